"""Answers to the question whether a help article was helpful."""

from typing import ClassVar

from django.db import models


class ArticleVote(models.Model):
    """One reader's answer; a second answer from the same reader replaces the first."""

    article = models.SlugField(max_length=60)
    reader = models.CharField(max_length=64)
    helpful = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["article", "reader"], name="one_vote_per_article_and_reader"
            )
        ]

    def __str__(self) -> str:
        return f"{self.article}: {'yes' if self.helpful else 'no'}"
