"""Unhandled errors, handed to whoever collects them (``SM_ERROR_REPORTER``), off the path of requests and tasks."""

from framework.error_reports.report import ErrorReport, Frame, Link

__all__ = ["ErrorReport", "Frame", "Link"]
