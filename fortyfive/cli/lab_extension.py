"""What the course changes in JupyterLab's server: prompt messages, and no saved views of widgets that are gone."""

from __future__ import annotations

from typing import Any

from fortyfive.widgets import PLOTLY_MIME, WIDGET_MIME


def _load_jupyter_server_extension(app: Any) -> None:
    app.contents_manager.register_pre_save_hook(without_live_views)
    # New connections ask the settings; the server itself, when it stops, asks its own trait.
    app.kernel_websocket_connection_class = prompt(app.kernel_websocket_connection_class)
    app.web_app.settings["kernel_websocket_connection_class"] = app.kernel_websocket_connection_class


def prompt(base: type[Any]) -> type[Any]:
    """Return the class of a kernel's websocket connection whose messages leave at once.

    Without TCP_NODELAY the second small message of a reply waits until the browser has acknowledged the first: 40 ms.
    """

    class PromptConnection(base):  # type: ignore[misc]  # the base is what this server is configured with
        def connect(self) -> Any:
            self.websocket_handler.set_nodelay(True)
            return super().connect()

    return PromptConnection


def without_live_views(*, model: dict[str, Any], **_: object) -> None:
    """Drop the view of a live widget where a figure stands beside it: no later kernel can show the view."""
    if model["type"] == "notebook" and model.get("content"):
        for cell in model["content"]["cells"]:
            for output in cell.get("outputs", []):
                if PLOTLY_MIME in output.get("data", {}):
                    output["data"].pop(WIDGET_MIME, None)
