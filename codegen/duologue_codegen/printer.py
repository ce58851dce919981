"""The one place that knows the model generator: JSON Schema in, text of pydantic models out.

Pinned to a minor version. To replace it, print the same text from the same schema: `models` checks every line of it.
"""

from __future__ import annotations

import json
import warnings
from functools import lru_cache

from .lower import Lowered


def print_models(lowered: Lowered) -> str:
    """Text of a module with a class or type alias for each definition. Reads no file and no network."""
    return _printed(json.dumps([lowered.schema, lowered.aliases, lowered.bases]))


@lru_cache(maxsize=1)
def _printed(asked: str) -> str:
    """The last text is kept: `--watch` generates again after edits that touch no type, and this is most of the time."""
    schema, aliases, bases = json.loads(asked)
    from datamodel_code_generator import generate
    from datamodel_code_generator.enums import DataModelType, InputFileType
    from datamodel_code_generator.format import PythonVersion

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = generate(
            schema,
            input_file_type=InputFileType.JsonSchema,
            output_model_type=DataModelType.PydanticV2BaseModel,
            target_python_version=PythonVersion.PY_311,
            base_class="duologue.Model",
            base_class_map=bases,
            aliases=aliases,
            # Its formatters read whichever pyproject.toml is near.
            formatters=[],
            # No way out of the schema that it was handed.
            allow_remote_refs=False,
            strict_refs=True,
            # pydantic as people write it: `Annotated[int, Field(ge=1)]`, aliases that may be recursive, constants that
            # need not be given. Its other options make no difference to what is lowered for it.
            use_annotated=True,
            use_type_alias=True,
            use_one_literal_as_default=True,
        )
    if not isinstance(text, str):
        raise TypeError("the model generator printed more than one module")
    return text
