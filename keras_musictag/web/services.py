"""What the routes share: `request.app.state.services`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from keras_musictag.web.jobs import Jobs
from keras_musictag.web.served_models import ModelPool
from keras_musictag.web.settings import ServerSettings


@dataclass(eq=False)
class Services:
    """What the routes share. One is made when the server starts, in its event loop."""

    settings: ServerSettings
    models: ModelPool
    jobs: Jobs

    @classmethod
    async def start(cls, settings: ServerSettings) -> "Services":
        """Makes the services, and loads the models that must be ready."""
        jobs = Jobs(settings.max_running_jobs, settings.max_waiting_jobs, settings.max_kept_jobs)
        services = cls(settings, ModelPool(settings), jobs)
        await services.models.start()
        return services

    async def close(self) -> None:
        """Ends everything that runs."""
        await self.jobs.drain(self.settings.drain_seconds)
        await self.models.close()


def services_of(request: Request) -> Services:
    """The services of the application that received a request."""
    return request.app.state.services


Shared = Annotated[Services, Depends(services_of)]  # the type of the argument by which a route gets them
