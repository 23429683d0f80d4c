-- Levels per 30 days by language: students observed for 14 days or more, mean, standard deviation, and who climbed.
SELECT
    language,
    count(*) AS students,
    avg(levels_per_30_days) AS mean_velocity,
    stddev_samp(levels_per_30_days) AS sd_velocity,
    count_if(levels_gained > 0) AS climbed
FROM gold.learning_velocity
WHERE levels_per_30_days IS NOT NULL
GROUP BY language
