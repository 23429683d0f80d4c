"""What assessment scores did around the completion of a lesson, shrunk where few students can tell.

It is what happened around the lesson, not what the lesson caused: whoever scored low tends to score higher next time,
and lessons completed between the same two attempts share one gain.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

MOST_SHRINKAGE = 100.0
"""k's upper bound, and k itself where lessons do not differ measurably: half the weight then takes 100 students."""
Z_95 = 1.959963984540054


def score_gains(completed: DataFrame, attempts: DataFrame) -> DataFrame:
    """Each student's change of score around each lesson: lesson_id, language, student_id, gain (points of 100).

    gain = score of the first attempt handed in after the completion, minus that of the last one handed in before it,
    both in the language of the student's progress; students without both are left out. A lesson has one language, the
    last by name where its rows say several.

    Args:
        completed: completed rows of silver lesson progress.
        attempts: silver attempts.
    """
    lessons = completed.groupBy("lesson_id", "language", "student_id").agg(F.min("completed_at").alias("done_at"))
    scored = attempts.where("completed_at IS NOT NULL AND score IS NOT NULL").select(
        "student_id", "language", "score", F.struct("completed_at", "attempt_id").alias("handed_in")
    )
    before = F.col("handed_in.completed_at") < F.col("done_at")
    after = F.col("handed_in.completed_at") > F.col("done_at")
    around = lessons.join(scored, ["student_id", "language"]).groupBy("lesson_id", "language", "student_id")
    pairs = around.agg(
        F.max_by("score", F.when(before, F.col("handed_in"))).alias("previous_score"),
        F.min_by("score", F.when(after, F.col("handed_in"))).alias("next_score"),
    )
    gain = F.col("next_score") - F.col("previous_score")
    told = pairs.withColumn("gain", gain).where("gain IS NOT NULL")
    once = told.groupBy("lesson_id", "student_id").agg(F.avg("gain").alias("gain"), F.max("language").alias("_spoken"))
    language = F.max("_spoken").over(Window.partitionBy("lesson_id"))
    return once.select("lesson_id", language.alias("language"), "student_id", "gain")


def shrunk_gains(gains: DataFrame) -> DataFrame:
    """Mean gain per lesson, shrunk towards that of its language.

    The credibility estimate of Bühlmann (1967) and Bühlmann & Straub (1970), which is also the empirical-Bayes estimate
    of the normal model gain = m + lesson + student: m + n / (n + k) · (lesson mean - m), with m the mean of all gains
    in the language, n the lesson's students and k = variance within lessons / variance between them. The 95 % interval
    is the normal one of the posterior, whose variance is variance within / (n + k).

    Both variances are the moment estimates of the unbalanced one-way analysis of variance (Searle, Casella & McCulloch,
    Variance Components, 1992, ch. 3). k is at most MOST_SHRINKAGE, and just that where it cannot be estimated: a
    language with one lesson, one student a lesson, or lessons that differ by no more than chance. With one student a
    lesson the variance of all gains stands for the variance within; with one gain in a language there is no interval.

    Returns:
        lesson_id, students_with_gain, mean_score_gain, gain_low, gain_high (points of 100).
    """
    lessons = gains.groupBy("language", "lesson_id").agg(
        F.count("*").alias("n"),
        F.avg("gain").alias("lesson_mean"),
        (F.var_pop("gain") * F.count("*")).alias("squares_within"),
    )
    weight = F.col("n") / (F.col("n") + F.col("k"))
    mean = F.col("language_mean") + weight * (F.col("lesson_mean") - F.col("language_mean"))
    margin = Z_95 * F.sqrt(F.col("variance_within") / (F.col("n") + F.col("k")))
    return _with_variances(lessons).select(
        "lesson_id",
        F.col("n").alias("students_with_gain"),
        mean.alias("mean_score_gain"),
        (mean - margin).alias("gain_low"),
        (mean + margin).alias("gain_high"),
    )


def _with_variances(lessons: DataFrame) -> DataFrame:
    """The lessons with their language's language_mean, variance_within and k."""
    language = Window.partitionBy("language")
    n, groups = F.sum("n").over(language), F.count("*").over(language)
    squares_within = F.sum("squares_within").over(language)
    from_mean = F.col("lesson_mean") - F.col("language_mean")
    squares_between = F.sum(F.col("n") * from_mean * from_mean).over(language)
    typical_n = F.try_divide(n - F.sum(F.col("n") * F.col("n")).over(language) / n, groups - 1)
    within = F.try_divide(squares_within, n - groups)
    between = F.try_divide(F.try_divide(squares_between, groups - 1) - within, typical_n)
    variance = F.coalesce(within, F.try_divide(squares_within + squares_between, n - 1))
    k = F.when(between > 0, F.least(within / between, F.lit(MOST_SHRINKAGE))).otherwise(F.lit(MOST_SHRINKAGE))
    language_mean = F.sum(F.col("n") * F.col("lesson_mean")).over(language) / n
    return lessons.withColumn("language_mean", language_mean).withColumns({"variance_within": variance, "k": k})
