"""The pages, in the order of the navigation: a module, a template and its queries each."""

from __future__ import annotations

from fluents_dashboard.page import Page
from fluents_dashboard.pages import (
    agents,
    call,
    calls,
    contacts,
    conversations,
    overview,
    quality,
    results,
    search,
    transfers,
)

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    calls.PAGE,
    search.PAGE,
    call.PAGE,
    results.PAGE,
    agents.PAGE,
    conversations.PAGE,
    contacts.PAGE,
    transfers.PAGE,
    quality.PAGE,
)
