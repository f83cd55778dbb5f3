"""What the course changes in JupyterLab's server: notebooks are saved without views of widgets that are gone."""

from __future__ import annotations

from typing import Any

from fortyfive.widgets import PLOTLY_MIME, WIDGET_MIME


def _load_jupyter_server_extension(app: Any) -> None:
    app.contents_manager.register_pre_save_hook(without_live_views)


def without_live_views(*, model: dict[str, Any], **_: object) -> None:
    """Drop the view of a live widget where a figure stands beside it: no later kernel can show the view."""
    if model["type"] == "notebook" and model.get("content"):
        for cell in model["content"]["cells"]:
            for output in cell.get("outputs", []):
                if PLOTLY_MIME in output.get("data", {}):
                    output["data"].pop(WIDGET_MIME, None)
