"""The one place that knows the model generator: JSON Schema in, text of pydantic models out.

Pinned to a minor version. To replace it, print the same text from the same schema: `models` checks every line of it.
"""

from __future__ import annotations

import warnings

from .lower import Lowered


def print_models(lowered: Lowered) -> str:
    """Text of a module with a class or type alias for each definition. Reads no file and no network."""
    from datamodel_code_generator import generate
    from datamodel_code_generator.enums import DataModelType, InputFileType
    from datamodel_code_generator.format import DatetimeClassType, PythonVersion

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = generate(
            lowered.schema,
            input_file_type=InputFileType.JsonSchema,
            output_model_type=DataModelType.PydanticV2BaseModel,
            target_python_version=PythonVersion.PY_311,
            base_class="duologue.Model",
            base_class_map={**lowered.bases},
            aliases=lowered.aliases,
            # Text that nobody formats: its formatters read whichever pyproject.toml is near.
            formatters=[],
            disable_timestamp=True,
            # No way out of the schema that it was handed.
            allow_remote_refs=False,
            strict_refs=True,
            treat_dot_as_module=False,
            # pydantic as people write it: `Annotated[int, Field(ge=1)]`, `X | None`, aliases that may be recursive.
            use_annotated=True,
            field_constraints=True,
            use_type_alias=True,
            skip_root_model=True,
            strict_nullable=True,
            use_one_literal_as_default=True,
            use_specialized_enum=True,
            capitalise_enum_members=True,
            use_tuple_for_fixed_items=True,
            use_standard_collections=True,
            use_union_operator=True,
            output_datetime_class=DatetimeClassType.Awaredatetime,
        )
    if not isinstance(text, str):
        raise TypeError("the model generator printed more than one module")
    return text
