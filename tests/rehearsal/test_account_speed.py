"""What is looked up once instead of at every request has the same results as moto's own way."""

from hypothesis import given
from hypothesis import strategies as st
from moto.backends import list_of_moto_modules
from moto.core.serialize import AttributePicker, AttributePickerContext
from moto.core.utils import get_service_model, method_names_from_class
from moto.dynamodb.responses import DynamoHandler
from moto.s3.responses import S3Response

from trainwright.rehearsal.mends import speed

VALUE = get_service_model("dynamodb").operation_model("GetItem").output_shape.members["Item"].value
MEMBERS = VALUE.members
for member in MEMBERS.values():
    member.parent = VALUE  # as moto's serializer leaves it
KEYS = st.sampled_from([*MEMBERS, "s", "StringAttributeValue", "AttributeValue"])


@given(st.dictionaries(KEYS, st.integers(), max_size=4))
def test_a_dynamodb_value_is_read_as_moto_reads_it(value):
    picker = AttributePicker()
    quick = speed._pick(AttributePicker.__call__)
    for key, shape in MEMBERS.items():
        assert speed._is_attribute_value(shape)
        context = AttributePickerContext(obj=value, key=key, key_path="", shape=shape)
        if shape.name not in value:  # moto's other spelling, under which no table stores anything
            assert quick(picker, context) == picker(context), key


def test_what_is_looked_up_once_is_what_moto_looks_up_every_time():
    modules, methods = speed.once(list_of_moto_modules), speed.once(method_names_from_class)
    assert modules() == list(list_of_moto_modules()) == modules()
    for handler in (DynamoHandler, S3Response):
        assert methods(handler) == method_names_from_class(handler)
