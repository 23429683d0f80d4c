-- How long a level takes, those still on their way counted as censored.
SELECT language, cefr_level, students, reached_next, median_days, restricted_mean_days
FROM gold.level_durations
