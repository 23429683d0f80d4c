"""Gold: what the five questions are answered from."""
