"""Silver as a Spark Declarative Pipeline: the views in `definitions/`, and what runs them on a laptop."""
