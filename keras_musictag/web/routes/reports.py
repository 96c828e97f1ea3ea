"""Evaluation reports, and comparisons of the models in them."""

from typing import Any

from fastapi import APIRouter

from keras_musictag.web.comparisons import comparison_page
from keras_musictag.web.services import Shared

router = APIRouter(prefix="/api", tags=["reports"])


@router.get("/reports")
def list_reports(services: Shared) -> list[dict[str, Any]]:
    """Lists all reports: published ones, those in the folders of `--reports`, and those that the page has made.

    A damaged report has an `error` instead of numbers.
    """
    return [report.summary() for report in services.reports.find_reports()]


@router.get("/reports/{report}")
def show_report(report: str, services: Shared) -> dict[str, Any]:
    """A whole report: macro and micro averages of all levels and subsets, and each tag, with intervals."""
    found = services.reports.find_report(report)
    return {"report": found.id, "comparison": found.comparison, **found.content}


@router.get("/comparison")
def show_comparison(services: Shared, comparison: str | None = None) -> dict[str, Any]:
    """Compares the models of all reports on the same data; by default, on the data of the published results."""
    return comparison_page(services.reports, comparison)
