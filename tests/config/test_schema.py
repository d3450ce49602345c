"""The schema: how mistakes on the command line are answered, and that its names are the keys of the tables."""

import dataclasses

import pytest

from nnjax.config import composition, schema, validation
from nnjax.errors import InputError


def read(*overrides: str) -> schema.Config:
    """Return the records of a command line."""
    return composition.read_config(overrides)


def complaint(*overrides: str) -> str:
    """Return the line that a command line is answered with."""
    with pytest.raises(InputError) as raised:
        read(*overrides)
    return str(raised.value)


MISTAKES = [  # command line, what the answer must name
    ("optimizer.learning_rat=0.1", ["optimizer.learning_rat", "Did you mean learning_rate?"]),
    ("model.hiden=[3]", ["model.hiden", "Did you mean hidden?", "activation"]),
    ("sede=3", ["sede=3 is not a setting.", "Did you mean seed=3?"]),
    ("+optimizer.momentum=0.9", ["optimizer.momentum is not a setting", "learning_rate"]),
    ("+trainig.epochs=3", ["+trainig.epochs=3", "Did you mean training.epochs=3?"]),
    ("optimizer.learning_rate=fast", ["optimizer.learning_rate=fast", "Allowed: a number."]),
    ("optimizer.learning_rate=nan", ["optimizer.learning_rate=nan", "finite", "above 0"]),
    ("optimizer.learning_rate=-0.1", ["optimizer.learning_rate=-0.1", "above 0"]),
    ("optimizer.learning_rate=inf", ["optimizer.learning_rate=inf", "finite"]),
    ("training.epochs=2.5", ["training.epochs=2.5", "Allowed: a whole number."]),
    ("training.batch_size=0", ["training.batch_size=0", "at least 1"]),
    ("training.batch_size=huge", ["training.batch_size=huge", "Allowed: full", "number"]),
    ("training.l2=-1", ["training.l2=-1", "at least 0"]),
    ("training.gradients=hand", ["training.gradients=hand", "Allowed: backprop, autodiff."]),
    ("model=mpl", ["model=mpl", "Did you mean mlp?"]),
    ("loss=crossentropy", ["loss=crossentropy", "Did you mean cross_entropy?", "log_loss"]),
    ("optimizer=adamm", ["optimizer=adamm", "Did you mean adam", "rmsprop"]),
    ("schedule=cosin", ["schedule=cosin", "Did you mean cosine?"]),
    ("data=minst", ["data=minst", "Did you mean mnist?", "boolean"]),
    ("experiment=nmist", ["experiment=nmist", "Did you mean mnist?", "xor"]),
    ("debug=quick", ["debug=quick", "fast", "overfit", "profile"]),
    ("model.activation=rellu", ["model.activation=rellu", "Did you mean relu?", "softplus"]),
    ("model.hidden=[10,0]", ["model.hidden=[10, 0]", "at least 1"]),
    ("model.hidden=10", ["model.hidden=10", "a list, each a whole number, such as [300,100]"]),
    ("optimizer.name=adam", ["optimizer.name=adam", "Allowed: optimizer=adam."]),
    ("model=lenet5 data.image_size=20", ["model=lenet5", "28 x 28 pixels", "20 x 20", "model=mlp"]),
    ("model=lenet5 model.pooling=mean", ["model.pooling=mean", "average, max"]),
    ("model=lenet5 model.hidden=[3]", ["model.hidden", "pooling"]),
    ("loss=squared_error", ["loss=squared_error", "data=mnist", "multiclass", "cross_entropy"]),
    ("data=boolean data.mirror=x", ["data.mirror", "table"]),
    ("data=boolean training.patience=3", ["training.patience=3", "validation"]),
    ("data.validation_size=0 training.keep=best", ["training.keep=best", "validation"]),
    ("data.mirror=/no/such/folder", ["data.mirror=/no/such/folder", "folder"]),
    ("schedule=warmup_cosine schedule.warmup=10", ["schedule.warmup=10", "training.epochs=10"]),
    ("runtime.platform=tpu", ["runtime.platform=tpu", "nnjax[tpu]"]),
    ("runtime.platform=cuda", ["runtime.platform=cuda", "nnjax[cuda13]"]),
    ("runtime.precision=float16", ["runtime.precision=float16", "float32, float64, bfloat16"]),
    ("lanes.values={runtime.precision:[float32,float64]}", ["lanes cannot differ in runtime.precision"]),
    ("runtime.platform=gpu", ["runtime.platform=gpu", "Did you mean cuda?"]),
    ("optimizer.learning_rate=1e-50", ["optimizer.learning_rate=1e-50", "float32"]),
    ("optimizer=adam optimizer.b1=1", ["optimizer.b1=1.0", "below 1"]),
    ("data=boolean data.samples=1000000000000000", ["data.samples=1000000000000000", "at least 1", "at most 10000000"]),
    ("data.mirror=ftp://x", ["data.mirror=ftp://x", "http(s)"]),
    ("seed=-1", ["seed=-1", "at least 0"]),
    ("training.epochs=", ["training.epochs"]),
    ("lanes.values={sede:[1]}", ["lanes.values", "sede", "Did you mean seed?", "optimizer.learning_rate"]),
    ("lanes.values={training.epochs:[1,2]}", ["cannot differ in training.epochs", "Allowed: seed"]),
    ("lanes.values={optimizer.momentum:[0.9]}", ["cannot differ in optimizer.momentum", "optimizer.learning_rate"]),
    ("lanes.values={seed:[1.5]}", ["seed=1.5", "whole number"]),
    ("lanes.values={seed:[true]}", ["seed=true", "whole number"]),
    ("lanes.values={optimizer.learning_rate:[0.1,fast]}", ["optimizer.learning_rate=fast", "a number"]),
    ("lanes.values={optimizer.learning_rate:[[0.1]]}", ["optimizer.learning_rate=[0.1]", "a number"]),
    ("lanes.values={optimizer.learning_rate:[0.1,0]}", ["optimizer.learning_rate=0", "above 0"]),
    ("lanes.values={seed:[0,-1]}", ["seed=-1", "at least 0"]),
    ("lanes.values={data.label_noise:[0,1.5]}", ["data.label_noise=1.5", "at most 1"]),
    ("lanes.values=3", ["lanes.values=3", "lists"]),
    ("lanes.seeds=2 lanes.values={seed:[1,2]}", ["lanes.seeds=2", "Allowed: one of the two"]),
    ("lanes.seeds=2 seed=4294967295", ["lanes.seeds=2", "4294967296", "at most 4294967295"]),
    ("lanes.strategy=vamp", ["lanes.strategy=vamp", "Did you mean vmap?", "map"]),
    ("lanes.record=run", ["lanes.record=run", "Did you mean runs?", "table"]),
    ("sweep.name=../x", ["sweep.name=../x", "letters, digits"]),
    ("sweep.name=..", ["sweep.name=..", "letters, digits"]),
    ("sweep.name=/tmp/x", ["sweep.name=/tmp/x", "letters, digits"]),
    (f"sweep.name={'x' * 300}", ["Allowed: up to 60 letters, digits"]),
    ("lanes.seeds=1000000000", ["lanes.seeds=1000000000", "at most 1000000"]),
    (f"lanes.values={{training.l2:{[0] * 1001},seed:{[*range(1001)]}}}".replace(" ", ""), ["1,002,001 lanes"]),
    (f"seed={'9' * 5_000}", ["seed=999", "a number of 1,000 or more digits"]),
    (f"model.hidden={'[' * 300}", ["model.hidden=[[", "at most 20 inside each other"]),
    ("data.mirror='~nobody-here/x'", ["data.mirror=~nobody-here/x", "no folder"]),
    ("objective=test/loss", ["objective=test/loss", "train/loss", "validation/loss"]),
    ("+experiment=xor objective=validation/loss", ["objective=validation/loss", "needs validation data", "train/"]),
    ("+experiment=xor lanes.values={training.patience:[null,3]}", ["training.patience=3", "validation"]),
    ("+lanes.sedes=3", ["lanes.sedes", "Did you mean seeds?"]),
    # What a newcomer types first
    ("epochs=3", ["epochs=3 is not a setting.", "Did you mean training.epochs=3?"]),
    ("epohcs=3", ["Did you mean training.epochs=3?"]),
    ("+learning_rate=0.1", ["Did you mean optimizer.learning_rate=0.1?"]),
    ("every=3", ["Did you mean schedule.every=3 or checkpoint.every=3?"]),
    ("optimizer.lr=0.1", ["optimizer.lr=0.1 is not a setting.", "Did you mean optimizer.learning_rate=0.1?"]),
    ("lr=0.1", ["Did you mean optimizer.learning_rate=0.1?"]),
    ("xor", ["xor is not a setting.", "Did you mean +experiment=xor?", "Allowed: KEY=VALUE"]),
    ("adamm", ["Did you mean optimizer=adam?"]),
    ("seed=1,2", ["seed=1,2 has several values.", "-m before it", "lanes.seeds=2"]),
    ("training.l2=0,1", ["training.l2=0,1 has several values.", "-m before it"]),
    ("model.hidden=[64,32", ["has a bracket that is not closed.", "Allowed: 'model.hidden=[64,32]', with the quotes"]),
    ("model.hidden=[64,32]]", ["has a ] that closes no bracket"]),
    ("data=boolean data.expression=x1&x2", ["data.expression=x1&x2 cannot be read.", "in double quotes"]),
    ("model.init=glorot", ["Did you mean xavier?"]),
    ("optimizer=null", ["optimizer=null is not an option.", "Allowed: sgd, momentum"]),
    ("model=[mlp,lenet5]", ["model=[mlp,lenet5] is not an option.", "softmax"]),
    ("=3", ["=3 is not a setting."]),
]


@pytest.mark.parametrize(("line", "named"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_line_that_names_what_is_allowed(line, named):
    answer = complaint(*line.split())
    assert all(word in answer for word in named), answer


def test_names_in_the_schema_are_the_tables_keys():
    from nnjax.data.sources import SOURCES
    from nnjax.network.activations import ACTIVATIONS
    from nnjax.network.backprop import GRADIENTS
    from nnjax.network.initializers import INITIALIZERS
    from nnjax.network.layers.pooling import POOLINGS
    from nnjax.network.losses import LOSSES
    from nnjax.network.models import MODELS
    from nnjax.training.optimizers import OPTIMIZERS, SCHEDULES
    from nnjax.training.precision import PRECISIONS

    for table, names in [
        (ACTIVATIONS, schema.ACTIVATIONS),
        (INITIALIZERS, schema.INITIALIZERS),
        (LOSSES, schema.TASKS),
        (PRECISIONS, schema.PRECISIONS),
        *((table, schema.OPTIONS[group]) for table, group in ((MODELS, "model"), (LOSSES, "loss"), (SOURCES, "data"))),
        *((table, schema.OPTIONS[group]) for table, group in ((OPTIMIZERS, "optimizer"), (SCHEDULES, "schedule"))),
    ]:
        assert set(table) == set(names)
    assert {name: loss.tasks for name, loss in LOSSES.items()} == schema.TASKS
    assert tuple(POOLINGS) == schema.POOLINGS
    assert set(GRADIENTS) == {"backprop", "autodiff"}


def test_every_option_of_the_schema_has_its_file_and_composes():
    folder = schema.configuration_folder()
    for group, options in schema.OPTIONS.items():
        assert {path.stem for path in (folder / group).glob("*.yaml")} == set(options)
    for group in ("optimizer", "schedule"):
        for option in schema.OPTIONS[group]:
            assert getattr(read(f"{group}={option}"), group).name == option


def test_tags_may_have_any_name():
    assert read("+tracking.tags.team=x").tracking.tags == {"team": "x"}


def test_any_optimizer_goes_with_any_experiment():
    for option in schema.OPTIONS["optimizer"]:
        for experiment in ("mnist", "xor"):
            assert read(f"+experiment={experiment}", f"optimizer={option}").optimizer.name == option


def test_records_are_plain_values():
    config = read("+experiment=xor", "model.hidden=[]", "training.batch_size=full")
    assert type(config.model) is schema.Mlp
    assert config.model.hidden == []
    assert type(dataclasses.asdict(config)["optimizer"]) is dict


@pytest.mark.parametrize(
    "path", sorted((schema.configuration_folder() / "experiment").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_experiment_composes_and_says_how_it_is_run(path):
    assert f"# python -m nnjax.train +experiment={path.stem}" in path.read_text()
    read(f"+experiment={path.stem}")


def test_debug_overrides_the_experiment_in_any_order():
    assert read("debug=fast", "+experiment=mnist").training.epochs == 1
    assert read("experiment=mnist", "debug=fast").training.epochs == 1


def test_a_table_of_digits_stays_text():
    assert read("data=boolean", 'data.table="0110"', "loss=log_loss").data.table == "0110"
    assert read("data=boolean", "data.table=1000", "loss=log_loss").data.table == "1000"


def test_control_characters_are_no_part_of_a_setting_nor_of_an_answer():
    """They would cut a path, or change the terminal."""
    for text in ("a\x00b", "a\x1b[2Jb", "a\udcffb"):
        with pytest.raises(InputError) as raised:
            validation.check_value("tracking.run_name", text, {})
        assert "has control characters. Allowed: text without them." in str(raised.value)
        assert str(raised.value).isprintable()
        assert str(InputError(f"{text}\nsecond")).isprintable()
    with pytest.raises(InputError, match="has control characters"):
        validation.check_value("tracking.tags", {"team": "\x07"}, {})


def test_a_very_long_value_is_shortened_in_the_answer():
    line = str(InputError(f"seed={'9' * 1_000_000} is out of range", "at most 3"))
    assert len(line) < 4_010
    assert line.startswith("seed=999")
    assert line.endswith(" is out of range. Allowed: at most 3.")


@pytest.mark.parametrize("group", schema.OPTIONS)
def test_a_group_replaced_by_a_value_is_refused(group):
    composed = composition.compose([])
    composed[group] = "x"
    with pytest.raises(InputError, match=rf"^{group}=x is not an option\. Allowed: "):
        validation.to_config(composed)


def test_a_setting_without_a_value_is_named():
    with pytest.raises(InputError, match="seed has no value, since its value was taken away"):
        read("~seed")
