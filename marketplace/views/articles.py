"""Help: the index, the articles, and whether they helped."""

from __future__ import annotations

import hashlib

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import View

from marketplace import help as articles
from marketplace import queries


class Index(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "marketplace/help_index.html", {"topics": articles.TOPICS})


class Article(View):
    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        article = _article(slug)
        votes = queries.votes(article.slug, _reader(request))
        context = {"article": article, "votes": votes, "rules": articles.numbers()}
        return render(request, article.template, context)


class Vote(View):
    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        article = _article(slug)
        answer = request.POST.get("helpful")
        if answer not in ("yes", "no"):
            raise Http404
        if not request.user.is_authenticated and request.session.session_key is None:
            request.session.create()
        articles.vote(article, reader=_reader(request), helpful=answer == "yes")
        messages.success(request, "Thank you. You can change your answer at any time.")
        return redirect("help_article", slug)


def _article(slug: str) -> articles.Article:
    article = articles.ARTICLES.get(slug)
    if article is None:
        raise Http404
    return article


def _reader(request: HttpRequest) -> str:
    """An account, or a visitor's session, which is not written down as it is."""
    if request.user.is_authenticated:
        return f"user-{request.user.pk}"
    session = request.session.session_key
    return f"visitor-{hashlib.sha256(session.encode()).hexdigest()[:40]}" if session else ""
