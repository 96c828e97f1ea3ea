"""What the routes share: `request.app.state.services`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from keras_musictag.web.decoding import Decoders
from keras_musictag.web.evaluation_jobs import Evaluations
from keras_musictag.web.jobs import ENDED, Jobs
from keras_musictag.web.library_view import LibraryView
from keras_musictag.web.monitoring import Monitor
from keras_musictag.web.reports import Reports
from keras_musictag.web.served_models import ModelPool
from keras_musictag.web.settings import ServerSettings
from keras_musictag.web.sound import Sound
from keras_musictag.web.sources import Sources


@dataclass(eq=False)
class Services:
    """What the routes share: made by `of`, begun by `start` in the event loop, and ended by `close`."""

    settings: ServerSettings
    models: ModelPool
    jobs: Jobs
    decoders: Decoders
    sources: Sources
    sound: Sound
    monitor: Monitor
    reports: Reports
    library: LibraryView
    evaluations: Evaluations

    @classmethod
    def of(cls, settings: ServerSettings) -> "Services":
        """Makes the services from the settings.

        Raises:
            UnknownNameError: If the settings name a model that does not exist.
        """
        decoders = Decoders(settings.decoders, settings.decoders, settings.decoder_seconds)
        library = LibraryView(settings.database)
        sources = Sources(settings, decoders, library)
        monitor = Monitor()
        evaluations = Evaluations(settings.records, settings.reports)
        services = cls(
            settings=settings,
            models=ModelPool(settings, monitor.note_batch),
            jobs=Jobs(settings.max_running_jobs, settings.max_waiting_jobs, settings.max_kept_jobs),
            decoders=decoders,
            sources=sources,
            sound=Sound(settings, sources, decoders),
            monitor=monitor,
            reports=Reports(settings.reports, evaluations.out),
            library=library,
            evaluations=evaluations,
        )
        services._watch()
        return services

    def _watch(self) -> None:
        """Registers the gauges that Prometheus reads."""
        watch = self.monitor.watch
        watch("queued_chunks", "Chunks that wait for a model.", lambda: self.models.queued)
        watch("loaded_models", "Models in memory.", lambda: len(self.models.loaded))
        watch("kept_uploads", "Uploads that are kept.", lambda: self.sources.num_uploads)
        watch("running_jobs", "Jobs that have not ended.", lambda: sum(job.state not in ENDED for job in self.jobs))

    async def start(self) -> None:
        """Loads the models that must be ready."""
        self.evaluations.open()
        await self.sources.start()
        await self.models.start()

    async def close(self) -> None:
        """Ends everything that runs, also after a start that failed."""
        await self.jobs.drain(self.settings.drain_seconds)
        await self.sources.close()
        self.decoders.close()
        await self.models.close()
        self.evaluations.close()


def services_of(request: Request) -> Services:
    """The services of the application that received a request."""
    return request.app.state.services


Shared = Annotated[Services, Depends(services_of)]  # the type of the argument by which a route gets them
