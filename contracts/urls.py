"""Addresses of the contracts app."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
