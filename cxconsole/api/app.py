"""The HTTP interface of the product, mounted beside the pages."""

from fastapi import FastAPI

from cxconsole.bootstrap import Application


def build_api(application: Application) -> FastAPI:
    """The API on this application."""
    api = FastAPI(title="cxconsole", docs_url=None, redoc_url=None, openapi_url=None)

    @api.get("/healthz")
    def healthz() -> dict[str, str]:
        """Alive: the process answers and the database does."""
        with application.database.read() as session:
            session.connection()
        return {"status": "ok"}

    return api
