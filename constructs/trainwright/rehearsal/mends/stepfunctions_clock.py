"""Step Functions: the interpreter waits in the account's time, which may be faster than the wall's."""

from __future__ import annotations

import importlib
from functools import partial

from trainwright.rehearsal.mends import Mend
from trainwright.rehearsal.states import clocked

_ASL = "moto.stepfunctions.parser.asl"
_EXEC = "component.state.exec"
_MODULES = {
    "eval.callback.callback": "944daf2ac0bf957cc73686eaec842836dac647f6fe077a8938704203d3e3370c",
    "eval.environment": "0c57e3472828e031f6fe278d13264f6ec8bf49115df0fbd2da5be225eb73207c",
    f"{_EXEC}.state_parallel.branch_worker": "b8f851ffa79b700e008c4b6c8fd0b17aac45f769a4256ed944da22d7cb5aba97",
    f"{_EXEC}.state_parallel.branches_decl": "848a285adb7c4426069a18ebc9732fee073b42c38987819b3b78afd37766c264",
    f"{_EXEC}.state_map.iteration.job": "35c3336f2c73ba3d53332832ef215fe0cb75b6752cbc4b311f8b46483dbf8ffc",
    f"{_EXEC}.state_map.iteration.inline_iteration_component": (
        "cf553565e1435ffd9f79d92d8426ae4d7cd4245b3b90e9968f2901b7f138899b"
    ),
    f"{_EXEC}.state_task.service.state_task_service_callback": (
        "01b0a4f739385bd98bdf935e58e3b5cadfcfa0356f7df923d04db285dff69710"
    ),
    "component.common.retry.jitter_strategy_decl": "04f7c566cfa8838302745d478153de3be56c8469c2f4d9d0e7fa2dc427d381e9",
    "component.intrinsic.function.statesfunction.math_operations.math_random": (
        "d76bdcd08f46ade8d4b287f60a045f639e0c93276cb060952e655676a38ce0a8"
    ),
}


def _give(module: str) -> None:
    importlib.import_module(module)
    clocked.give(module)


MENDS = tuple(
    Mend(
        f"stepfunctions-clock-{module.rpartition('.')[2].replace('_', '-')}",
        f"{_ASL}.{module}:",
        sha256,
        "https://states-language.net/spec.html",
        "moto's interpreter waits, starts threads and draws numbers as Python does, in the wall's time.",
        partial(_give, f"{_ASL}.{module}"),
    )
    for module, sha256 in _MODULES.items()
)
