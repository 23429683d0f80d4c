"""What segments of students are called, by the features that they are told apart by."""

from __future__ import annotations

BEHAVIOUR = ("High Performers", "Active Learners", "Struggling Students", "Casual Users")
ERRORS = ("Grammar First", "Words First", "Spelling First", "Few Corrections")
