"""Recipes: every bad value is one line that names its key; good ones survive a round trip."""

import dataclasses

import pytest
from helpers import make_recipe, one_line_error, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from nnspark import recipe as recipes
from nnspark.errors import RecipeError
from nnspark.net.activations import ACTIVATIONS
from nnspark.recipe import Recipe, dumps, loads, read
from nnspark.recipe.text import to_toml
from nnspark.training.choices import check_choices

BASE = '[data]\nsource = "digits"\n'


def test_only_the_source_has_no_default():
    """Everything else is filled in as the dataclasses say."""
    recipe = loads(BASE)
    assert recipe == Recipe(recipes.Data("digits"))
    with one_line_error("data.source", "missing", kind=RecipeError):
        loads("[data]\n")
    with one_line_error("data", "missing", kind=RecipeError):
        loads("")


def test_the_digits_recipe_of_the_design_reads_as_written():
    """Tables, floats given as whole numbers, lists."""
    recipe = loads(
        """
        [data]
        source = "digits"
        scale = {center = 8, divide = 8}
        split = {train = 0.8, validation = 0.1, test = 0.1, seed = 42}
        [network]
        hidden = [25]
        init = {name = "uniform", limit = 0.12}
        [training]
        learning_rate = 1
        l2 = 1.0
        epochs = 400
        """
    )
    assert recipe.data.scale == {"center": 8, "divide": 8}
    assert recipe.network.hidden == [25]
    assert (recipe.training.learning_rate, type(recipe.training.learning_rate)) == (1.0, float)


BAD = {
    "data.source=3": "data.source",
    "data.task=clustering": "data.task",
    "data.scale=log": "data.scale",
    "data.scale={center = 8}": "data.scale",
    "data.scale={center = 8, divide = 0}": "data.scale.divide",
    'data.scale={center = "a", divide = 1}': "data.scale.center",
    "data.scale={center = nan, divide = 1}": "data.scale.center",
    "data.scale={center = true, divide = 1}": "data.scale.center",
    "data.target_scale=standard": "data.target_scale",
    "data.target_scale=minmax": "data.target_scale",
    "data.header=maybe": "data.header",
    "data.separator=auto": "data.separator",
    'data.separator=""': "data.separator",
    "data.separator='.'": "data.separator",
    "data.separator=' '": "data.separator",
    "data.separator=e": "data.separator",
    "data.separator=§": "data.separator",
    "data.columns=a": "data.columns",
    "data.columns=[1]": "data.columns",
    "data.classes=3": "data.classes",
    "data.split=0.8": "data.split",
    "data.split.train=0.9": "data.split",
    "data.split.train=-0.1": "data.split.train",
    "data.split.test=nan": "data.split.test",
    "data.split={train = 0.0, validation = 0.5, test = 0.5}": "data.split.train",
    "data.split.seed=-1": "data.split.seed",
    "data.split.seed=18446744073709551616": "data.split.seed",
    "data.split.seed=1.5": "data.split.seed",
    "data.split.stratify=yes": "data.split.stratify",
    "network.hidden=[0]": "network.hidden",
    "network.hidden=[-3]": "network.hidden",
    "network.hidden=25": "network.hidden",
    "network.hidden=[2.5]": "network.hidden",
    "network.hidden=[true]": "network.hidden",
    "network.activation=swish": "network.activation",
    "network.output=relu": "network.output",
    "network.output=identity": "network.loss",
    "network.loss=hinge": "network.loss",
    "network.output_units=-1": "network.output_units",
    "network.init=he": "network.init",
    'network.init={name = "xavier"}': "network.init.name",
    "network.init={limit = 0.1}": "network.init",
    'network.init={name = "uniform", limit = -0.1}': "network.init.limit",
    'network.init={name = "uniform", limit = inf}': "network.init.limit",
    'network.init={name = "uniform", limit = "a"}': "network.init.limit",
    'network.init={name = "uniform", scale = 1.0}': "network.init",
    'network.init={name = "he", bias = "one"}': "network.init",
    "training=3": "training",
    "training.optimizer=newton": "training.optimizer",
    'training.optimizer={name = "adam", beta3 = 0.5}': "training.optimizer",
    'training.optimizer={name = "adam", beta1 = 1.5}': "training.optimizer",
    "training.learning_rate=0": "training.learning_rate",
    "training.learning_rate=-1.0": "training.learning_rate",
    "training.learning_rate=inf": "training.learning_rate",
    "training.learning_rate=fast": "training.learning_rate",
    "training.learning_rate=true": "training.learning_rate",
    "training.bias_learning_rate=-1": "training.bias_learning_rate",
    "training.schedule=linear": "training.schedule",
    'training.schedule={name = "step", every = 0}': "training.schedule",
    "training.l2=-0.5": "training.l2",
    "training.l2=nan": "training.l2",
    "training.epochs=0": "training.epochs",
    "training.epochs=2.5": "training.epochs",
    "training.seed=-1": "training.seed",
    "training.seed=9223372036854775808": "training.seed",
    "training.dtype=float16": "training.dtype",
    "training.engine=dask": "training.engine",
    "training.block_rows=-1": "training.block_rows",
    "training.class_weight=heavy": "training.class_weight",
    "training.class_weight={a = -1}": "training.class_weight.a",
    'training.class_weight={a = "b"}': "training.class_weight.a",
    "training.label_smoothing=1.0": "training.label_smoothing",
    "prediction.calibration=isotonic": "prediction.calibration",
    "prediction.threshold=1.5": "prediction.threshold",
    "prediction.threshold=-0.1": "prediction.threshold",
    "prediction.threshold=nan": "prediction.threshold",
    "prediction.threshold=true": "prediction.threshold",
    "prediction.threshold=f2": "prediction.threshold",
    "prediction.threshold={}": "prediction.threshold",
    "prediction.threshold={precision = 0}": "prediction.threshold.precision",
    "prediction.threshold={recall = 1.1}": "prediction.threshold.recall",
    "prediction.threshold={recall = 0.9, precision = 0.9}": "prediction.threshold",
    "prediction.threshold={specificity = 0.9}": "prediction.threshold",
    "prediction.threshold={costs = 3}": "prediction.threshold",
    "prediction.threshold={costs = {false_positive = 1}}": "prediction.threshold",
    "prediction.threshold={costs = {false_positive = -1, false_negative = 1}}": "prediction.threshold.costs",
    "prediction.threshold={costs = {false_positive = 0, false_negative = 0}}": "prediction.threshold.costs",
    "report.importance=-1": "report.importance",
    "rounds.batch_size=-1": "rounds.batch_size",
    "rounds.replicas=0": "rounds.replicas",
    "rounds.replicas=2": "rounds.replicas",
    "rounds.local_epochs=0": "rounds.local_epochs",
    "rounds.local_steps=-1": "rounds.local_steps",
    "rounds.outer=median": "rounds.outer",
    "rounds.dropout=1.0": "rounds.dropout",
    "rounds.dropout=-0.1": "rounds.dropout",
    "rounds.dropout=0.5": "rounds.dropout",
    "stopping.monitor=luck": "stopping.monitor",
    "stopping.patience=-1": "stopping.patience",
    "stopping.min_delta=nan": "stopping.min_delta",
    "stopping.tolerance=-1e-4": "stopping.tolerance",
    "stopping.tolerance_epochs=0": "stopping.tolerance_epochs",
    "stopping.min_epochs=-1": "stopping.min_epochs",
    "stopping.max_seconds=inf": "stopping.max_seconds",
    "spark.partitions=-1": "spark.partitions",
    "spark.depth=-1": "spark.depth",
    "checkpoint.every=-1": "checkpoint.every",
    "checkpoint.seconds=-1.0": "checkpoint.seconds",
    "checkpoint.keep=0": "checkpoint.keep",
    "report.every=0": "report.every",
    "report.html=1": "report.html",
}


@pytest.mark.parametrize(("override", "key"), BAD.items(), ids=str)
def test_a_bad_value_is_refused_naming_its_key(override, key):
    """At once, in one line, with what was expected."""
    with one_line_error(key, kind=RecipeError):
        check_choices(loads(BASE, [override]))


def test_a_name_in_a_tables_place_is_shown_as_a_table():
    """To be copied."""
    with one_line_error("network.init: expected a table, got 'zeros'; write {name = \"zeros\"}"):
        loads(BASE, ["network.init=zeros"])
    with one_line_error("network.init: expected a table, got 0.5", kind=RecipeError):
        loads(BASE, ["network.init=0.5"])


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (["data.task=regression", "data.split.stratify=true"], "data.split.stratify"),
        (["data.task=multilabel", "network.output=softmax"], "network.output"),
        (["data.task=regression", "network.loss=cross_entropy"], "network.loss"),
        (
            ["data.split={train = 0.9, validation = 0.0, test = 0.1}", "stopping.patience=3"],
            "data.split.validation",
        ),
        (["training.optimizer=lbfgs", "rounds.batch_size=10"], "lbfgs"),
        (["training.optimizer=lbfgs", "training.bias_learning_rate=0.5"], "bias_learning_rate"),
    ],
    ids=str,
)
def test_values_that_do_not_go_together_are_refused(overrides, key):
    """Each good by itself."""
    with one_line_error(key, kind=RecipeError):
        check_choices(loads(BASE, overrides))


@pytest.mark.parametrize(
    ("override", "near"),
    [
        ("training.learnin_rate=1.0", "training.learning_rate"),
        ("network.hiden=[3]", "network.hidden"),
        ("trainig.epochs=3", "training"),
        ("data.split.sed=3", "data.split.seed"),
        ("stopping.epoch=3", "stopping.min_epochs"),
        ("round.batch_size=3", "rounds"),
    ],
)
def test_an_unknown_key_names_the_nearest(override, near):
    """Within its section, or elsewhere."""
    with one_line_error(
        override.partition("=")[0].rpartition(".")[0], f"did you mean '{near}", kind=RecipeError
    ):
        loads(BASE, [override])


def test_a_key_unlike_any_lists_those_there_are():
    """In its section."""
    with one_line_error("spark.zzzzzz", "spark.depth", "spark.partitions", kind=RecipeError):
        loads(BASE, ["spark.zzzzzz=1"])


@pytest.mark.parametrize(
    "override", ["", "=", "epochs=3", "training.epochs", ".epochs=3", "training.=3", "training..epochs=3"]
)
def test_an_override_has_a_section_a_key_and_a_value(override):
    """The message shows the form."""
    with one_line_error("section.key=value", kind=RecipeError):
        loads(BASE, [override])


def test_overrides_are_toml_or_else_text():
    """The last one wins; a missing section is made."""
    epochs = ["training.epochs=3", "training.epochs=5"]
    recipe = loads(BASE, [*epochs, "training.dtype=float32", "data.source=csv", 'data.path="a=b"'])
    assert (recipe.training.epochs, recipe.training.dtype, recipe.data.path) == (5, "float32", "a=b")
    with one_line_error("data.source", kind=RecipeError):
        loads(BASE, ["data.source.name=3", "data.source=4"])


@pytest.mark.parametrize(
    "text",
    [
        "[data",
        "data = ",
        "\x00",
        "[data]\nsource = 'a'\nsource = 'b'\n",
        "a = " + "[" * 5000,
        "a = " + "9" * 5000,
        "a = 2020-99-99",
        '"a\\nb" = 1',
        '[data]\nsource = "digits"\n"x\\ny" = 1',
        BASE + '[training]\nclass_weight = {"a\\nb" = -1}',
        BASE + '[network]\ninit = {name = "he", "a\\nb" = -1}',
    ],
    ids=lambda text: repr(text[:30]),
)
def test_text_that_is_no_recipe_is_refused_in_one_line(text):
    """Broken, deep or huge TOML; keys with line breaks."""
    with one_line_error(kind=RecipeError):
        loads(text)


@pytest.mark.parametrize(
    "override",
    [
        "training.l2=" + "9" * 400,
        "training.l2=" + "9" * 5000,
        "data.path=" + "[" * 5000,
        "data.scale={center = " + "9" * 400 + ", divide = 1}",
        'network.init={name = "uniform", limit = ' + "9" * 400 + "}",
    ],
    ids=lambda text: text[:30],
)
def test_an_override_beyond_floats_and_stacks_is_refused_or_taken_as_text(override):
    """Never another exception."""
    recipe, refusal = outcome(loads, BASE, [override], kind=RecipeError)
    assert (recipe is None) != (refusal is None)


def test_a_file_that_cannot_be_read_is_a_recipe_error(tmp_path):
    """Missing, a folder, not text."""
    with one_line_error("none.toml", "`nnspark recipes` lists them", kind=RecipeError):
        read(tmp_path / "none.toml")
    with one_line_error(tmp_path, kind=RecipeError):
        read(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with one_line_error("binary.toml", "TOML", kind=RecipeError):
        read(tmp_path / "binary.toml")
    (tmp_path / "good.toml").write_text(BASE)
    assert read(tmp_path / "good.toml", ["training.epochs=7"]).training.epochs == 7


NUMBERS = st.floats(0, 1e308, exclude_min=True, allow_subnormal=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
RECIPES = st.builds(
    Recipe,
    data=st.builds(
        recipes.Data,
        source=TEXTS,
        path=TEXTS,
        label=st.one_of(
            TEXTS, st.integers(-5, 5), st.lists(st.one_of(TEXTS, st.integers(-5, 5)), max_size=3)
        ),
        header=st.sampled_from([True, False, "auto"]),
        separator=st.sampled_from(",;|\t"),
        columns=st.lists(TEXTS, max_size=3),
        scale=st.one_of(
            st.sampled_from(["none", "standard", "minmax"]),
            st.fixed_dictionaries({"center": st.integers(-9, 9), "divide": NUMBERS}),
        ),
        classes=st.lists(st.one_of(TEXTS, st.integers(), st.floats()), max_size=3),
        split=st.builds(recipes.Split, seed=st.integers(0, 2**62), stratify=st.booleans()),
    ),
    network=st.builds(
        recipes.Network,
        hidden=st.lists(st.integers(1, 9), max_size=3),
        activation=st.sampled_from(sorted(ACTIVATIONS)),
        init=st.fixed_dictionaries({"name": st.just("normal"), "scale": NUMBERS}),
    ),
    training=st.builds(
        recipes.Training,
        optimizer=st.sampled_from(["gd", "adam", {"name": "momentum", "momentum": 0.5}]),
        learning_rate=NUMBERS,
        l2=NUMBERS,
        epochs=st.integers(1, 2**70),
        class_weight=st.one_of(st.just("balanced"), st.dictionaries(TEXTS, NUMBERS, max_size=3)),
        label_smoothing=st.floats(0, 1, exclude_max=True),
    ),
    rounds=st.builds(recipes.Rounds, batch_size=st.integers(1, 99), replicas=st.integers(1, 9)),
    stopping=st.builds(recipes.Stopping, patience=st.integers(0, 9), tolerance=NUMBERS),
    prediction=st.builds(
        recipes.Prediction,
        threshold=st.one_of(
            st.floats(0, 1),
            st.just("f1"),
            st.builds(lambda share: {"recall": share}, st.floats(0, 1, exclude_min=True)),
            st.just({"costs": {"false_positive": 1, "false_negative": 2.5}}),
        ),
        calibration=st.sampled_from(["none", "temperature", "platt"]),
    ),
    checkpoint=st.builds(recipes.Checkpoint, seconds=st.floats(0)),
    report=st.builds(recipes.Report, html=st.booleans()),
)


@given(RECIPES)
def test_dumps_and_loads_are_inverse_for_every_recipe(recipe):
    """Whatever ``loads`` accepts, however odd its strings and numbers, is read back the same."""
    found = loads(dumps(recipe))
    for section in dataclasses.fields(Recipe):
        one, two = getattr(found, section.name), getattr(recipe, section.name)
        assert repr(one) == repr(two)  # repr, so that a class named nan equals itself


def plain_values(section):
    """Overrides that name the defaults of a section."""
    table = make_recipe().to_dict()[section]
    return st.sampled_from([f"{section}.{key}={to_toml(value)}" for key, value in table.items()])


SECTIONS = sorted(make_recipe().to_dict())


@given(st.lists(st.sampled_from(SECTIONS).flatmap(plain_values), max_size=5))
def test_overriding_with_the_defaults_changes_nothing(overrides):
    """In any order and number."""
    assert make_recipe(*overrides) == make_recipe()


KEYS = [f"{section}.{key}" for section, table in make_recipe().to_dict().items() for key in table]
VALUES = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.booleans().map(lambda b: str(b).lower()),
    st.text(max_size=9),
    st.sampled_from(
        ["[]", "{}", "[[1]]", '{name = "adam"}', "{a = {b = []}}", "1e400", "2020-01-01", "[1, 'a']", '""']
    ),
)
OVERRIDES = st.builds(
    lambda key, value: f"{key}={value}", st.one_of(st.sampled_from(KEYS), st.text(max_size=9)), VALUES
)
SNIPPETS = st.sampled_from(
    [
        *(f"{key} = " for key in KEYS),
        *(f"[{section}]\n" for section in SECTIONS),
        BASE,
        "\n",
        "[[",
        "]",
        "{",
        "}",
        "=",
        '"',
        "'''",
        "1e5",
        "nan",
        "-",
        "true",
        "#",
        "\\u0000",
        "2020-01-01",
    ]
)
TOML_LIKE = st.lists(st.one_of(SNIPPETS, st.text(max_size=5)), max_size=12).map("".join)


def only_recipe_errors(text, overrides):
    """``loads`` gives a recipe that survives a round trip, or an error in one line."""
    recipe, refusal = outcome(loads, text, overrides)
    if refusal is None:
        assert repr(loads(dumps(recipe))) == repr(recipe)


@settings(max_examples=200)
@given(TOML_LIKE, st.lists(OVERRIDES, max_size=2))
def test_any_text_is_a_recipe_or_one_clear_error(text, overrides):
    """Broken TOML and odd overrides."""
    only_recipe_errors(text, overrides)


@settings(max_examples=200)
@given(st.lists(OVERRIDES, min_size=1, max_size=3))
def test_any_override_is_taken_or_one_clear_error(overrides):
    """On top of a good recipe."""
    only_recipe_errors(BASE, overrides)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(st.one_of(st.just(BASE), TOML_LIKE), st.lists(OVERRIDES, max_size=3))
def test_ten_thousand_texts_are_recipes_or_clear_errors(text, overrides):
    """The long form."""
    only_recipe_errors(text, overrides)
