"""An embedded cloud of the Huawei family, to rehearse against and to be judged by.

It is written from the providers' API references and shares no code with the rest of
the package: if both were wrong, they would at least not be wrong together.
"""

from __future__ import annotations

from batch_register.simulator.app import Simulator
from batch_register.simulator.clock import Clock
from batch_register.simulator.faults import FaultScript, FaultScriptError
from batch_register.simulator.objects import StoredBucket, StoredObject
from batch_register.simulator.options import (
    AccessKey,
    Agency,
    ApplicationCredential,
    Project,
    RateLimit,
    RegisterFault,
    SimulatorOptions,
    UserAccount,
)
from batch_register.simulator.profiles import PROFILES, ProfileFlags
from batch_register.simulator.state import SeedImage

__all__ = [
    "PROFILES",
    "AccessKey",
    "Agency",
    "ApplicationCredential",
    "Clock",
    "FaultScript",
    "FaultScriptError",
    "ProfileFlags",
    "Project",
    "RateLimit",
    "RegisterFault",
    "SeedImage",
    "Simulator",
    "SimulatorOptions",
    "StoredBucket",
    "StoredObject",
    "UserAccount",
]
