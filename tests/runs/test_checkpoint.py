"""Checkpoints: the whole state there and back, damaged files skipped, other recipes and data refused."""

import errno
import json
from typing import NamedTuple

import numpy as np
import pytest
from helpers import fit, make_recipe, one_line_error, table_of
from sklearn.datasets import load_digits

from nnspark.data.dataset import make_dataset
from nnspark.engines.local import LocalShards
from nnspark.errors import CheckpointError
from nnspark.optimizers import state_to_arrays
from nnspark.runs import checkpoint
from nnspark.runs.directory import RunDirectory
from nnspark.runs.local_folder import LocalFolder
from nnspark.training.steps import first_state

DIGITS = table_of(load_digits().data[:300], load_digits().target[:300])
NET = [
    "data.scale={center = 8, divide = 8}",
    "network.hidden=[6]",
    "training.epochs=12",
    "training.learning_rate=0.05",
]
METHODS = {
    "gd": ["training.optimizer=gd"],
    "adam": ["training.optimizer=adam", "training.dtype=float32"],
    "cg": ["training.optimizer=cg"],
    "lbfgs": ["training.optimizer=lbfgs"],
    "rounds": [
        "training.optimizer=adam",
        "rounds.batch_size=20",
        "rounds.replicas=3",
        "rounds.outer=nesterov",
    ],
    "patience": ["training.optimizer=adam", "stopping.patience=3", "training.learning_rate=0.5"],
}


class State(NamedTuple):
    """A small state."""

    theta: np.ndarray
    steps: int


@pytest.fixture
def folder(tmp_path):
    """A run directory."""
    return LocalFolder(str(tmp_path))


def saved(folder, epochs=(10, 20), *, keep=5, fingerprint="2-ab", recipe=None):
    """Checkpoints of these epochs; theta is the epoch."""
    for epoch in epochs:
        checkpoint.save(
            folder,
            State(np.full(3, float(epoch)), epoch),
            epoch=epoch,
            recipe=recipe or make_recipe(),
            fingerprint=fingerprint,
            seconds=1.5 * epoch,
            keep=keep,
        )


def found(folder, *, recipe=None, fingerprint="2-ab"):
    """The latest checkpoint and the warnings on the way to it."""
    warnings = []
    result = checkpoint.latest(
        folder,
        State(np.zeros(3), 0),
        recipe=recipe or make_recipe(),
        fingerprint=fingerprint,
        warn=warnings.append,
    )
    return result, warnings


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_resumed_run_ends_like_one_that_was_not_stopped(folder, method):
    """Every optimizer, rounds and patience: weights, state and history, bit for bit, after epoch 5."""
    options = [*NET, *METHODS[method]]
    recipe = make_recipe(*options)
    whole, resumed, kept = [], [], []

    def note(epoch):
        whole.append(epoch)
        if epoch.progress.epoch == 5:
            checkpoint.save(
                folder, epoch.progress, epoch=5, recipe=recipe, fingerprint="f", seconds=2.0, keep=1
            )
            kept.append(epoch.progress)

    expected = fit(DIGITS, *options, callbacks=[note])

    shards = LocalShards(make_dataset(DIGITS, recipe))
    like = first_state(recipe, shards)
    progress, about = checkpoint.latest(folder, like, recipe=recipe, fingerprint="f", warn=pytest.fail)
    assert about["epoch"] == 5
    one, two = state_to_arrays(progress), state_to_arrays(kept[0])
    assert {key: value.tobytes() for key, value in one.items()} == {
        key: value.tobytes() for key, value in two.items()
    }

    ended = fit(DIGITS, *options, start=progress, callbacks=[resumed.append])
    assert ended.theta.tobytes() == expected.theta.tobytes()
    assert ended.metrics == expected.metrics
    assert (ended.best_epoch, ended.stopped_because) == (expected.best_epoch, expected.stopped_because)
    for ours, theirs in zip(resumed, whole[5:], strict=True):
        assert {**ours.row, "seconds": 0} == {**theirs.row, "seconds": 0}


def test_a_stopped_runs_reason_is_kept(folder):
    """A run that patience had stopped does not go on when it is resumed."""
    options = [*NET, *METHODS["patience"], "training.learning_rate=5.0"]
    trained = fit(DIGITS, *options)
    assert trained.progress.stop.reason
    recipe = make_recipe(*options)
    checkpoint.save(
        folder,
        trained.progress,
        epoch=trained.progress.epoch,
        recipe=recipe,
        fingerprint="f",
        seconds=1.0,
        keep=1,
    )
    progress, _ = checkpoint.latest(
        folder, trained.progress, recipe=recipe, fingerprint="f", warn=pytest.fail
    )
    again = fit(DIGITS, *options, start=progress, callbacks=[lambda epoch: pytest.fail("it went on")])
    assert again.theta.tobytes() == trained.theta.tobytes()
    assert again.stopped_because == trained.stopped_because


def test_the_newest_is_found_and_the_oldest_are_deleted(folder):
    """keep = 2 of five; epoch 100 is newer than epoch 20."""
    saved(folder, (5, 10, 20, 90, 100), keep=2)
    assert len(folder.names("checkpoints")) == 2
    (state, about), warnings = found(folder)
    assert (state.steps, state.theta.tolist()) == (100, [100.0] * 3)
    assert (about["epoch"], about["seconds"], warnings) == (100, 150.0, [])


def test_without_a_checkpoint_there_is_none(folder):
    """Nor in a folder of other files."""
    assert found(folder) == (None, [])
    folder.write("checkpoints/notes.txt", b"x")
    folder.write("checkpoints/.epoch-00000009.ckpt.tmp", b"x")
    assert found(folder) == (None, [])


def damage(folder, change):
    """Change the newest checkpoint's bytes."""
    name = "checkpoints/" + folder.names("checkpoints")[-1]
    folder.write(name, change(folder.read(name)))
    return name


@pytest.mark.parametrize("place", [0, 9, 200, -100, -33, -32, -1])
def test_a_flipped_byte_is_noticed_and_the_one_before_used(folder, place):
    """In the length, the header, the arrays or the checksum."""
    saved(folder)

    def flip(content):
        content = bytearray(content)
        content[place] ^= 0x10
        return bytes(content)

    name = damage(folder, flip)
    (state, about), (warning,) = found(folder)
    assert (state.steps, about["epoch"]) == (10, 10)
    assert name in warning
    assert "damaged" in warning
    assert "\n" not in warning


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 100, -1, -32, -33])
def test_a_truncated_checkpoint_is_noticed_and_the_one_before_used(folder, length):
    """Of any length, empty too."""
    saved(folder)
    damage(folder, lambda content: content[:length])
    (state, _), warnings = found(folder)
    assert state.steps == 10
    assert len(warnings) == 1


def test_a_checkpoint_that_cannot_be_read_now_is_not_given_up(folder, monkeypatch):
    """A mount that is away or a missing permission is no damage: nothing starts again over what is there."""
    saved(folder, (10,))

    def refuse(self, name):
        raise PermissionError(errno.EACCES, "Permission denied", name)

    monkeypatch.setattr(LocalFolder, "read", refuse)
    with one_line_error("cannot resume", "Permission denied", "--overwrite", kind=CheckpointError):
        found(folder)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOENT])
def test_a_checkpoint_on_a_bad_sector_is_damaged(folder, monkeypatch, number):
    """Or one that vanishes between the listing and the reading: the one before it is used."""
    saved(folder)
    read = LocalFolder.read

    def bad(self, name):
        if name.endswith("20.ckpt"):
            raise OSError(number, "Input/output error", name)
        return read(self, name)

    monkeypatch.setattr(LocalFolder, "read", bad)
    (state, _), (warning,) = found(folder)
    assert state.steps == 10
    assert "epoch-00000020.ckpt" in warning
    assert "trying the one before" in warning


def test_when_all_are_damaged_there_is_none_and_each_is_named(folder):
    """Two warnings."""
    saved(folder, (10,))
    damage(folder, lambda content: content[:-1])
    saved(folder, (20,))
    damage(folder, lambda content: b"")
    result, warnings = found(folder)
    assert result is None
    assert len(warnings) == 2


def test_a_disk_that_is_full_leaves_the_last_good_checkpoint(folder, monkeypatch):
    """The write raises OSError; what was there is found."""
    saved(folder, (10,))

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        saved(folder, (20,))
    monkeypatch.undo()
    (state, _), warnings = found(folder)
    assert (state.steps, warnings) == (10, [])


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("training.learning_rate=0.5", "training.learning_rate"),
        ("training.optimizer=adam", "training.optimizer"),
        ("training.block_rows=512", "training.block_rows"),
        ("network.hidden=[3]", "network.hidden"),
        ("data.split.seed=7", "data.split"),
        ("rounds.batch_size=9", "rounds.batch_size"),
        ("stopping.patience=9", "stopping.patience"),
    ],
)
def test_another_recipe_is_refused_naming_the_key(folder, override, key):
    """And both values."""
    saved(folder)
    with one_line_error("cannot resume", key, kind=CheckpointError):
        found(folder, recipe=make_recipe(override))


@pytest.mark.parametrize(
    "override",
    [
        "training.epochs=999",
        "training.engine=spark",
        "training.threads=3",
        "spark.partitions=7",
        "spark.depth=2",
        "checkpoint.every=1",
        "report.every=3",
        "stopping.max_seconds=5",
    ],
)
def test_what_does_not_change_the_result_may_differ(folder, override):
    """More epochs, another cluster."""
    saved(folder)
    assert found(folder, recipe=make_recipe(override))[0][0].steps == 20


def test_more_epochs_are_refused_where_the_schedule_depends_on_them(folder):
    """A cosine's rates are other rates then."""
    saved(folder, recipe=make_recipe("training.schedule=cosine"))
    with one_line_error("training.epochs", "400", "999", kind=CheckpointError):
        found(folder, recipe=make_recipe("training.schedule=cosine", "training.epochs=999"))


def test_other_data_is_refused(folder):
    """Both fingerprints are named."""
    saved(folder)
    with one_line_error("cannot resume", "2-ab", "3-cd", kind=CheckpointError):
        found(folder, fingerprint="3-cd")


def test_a_checkpoint_of_another_state_is_refused(folder):
    """Another length of theta."""
    saved(folder)
    with one_line_error("theta", "(3,)", "(4,)", kind=CheckpointError):
        checkpoint.latest(
            folder, State(np.zeros(4), 0), recipe=make_recipe(), fingerprint="2-ab", warn=pytest.fail
        )


def test_the_identity_is_plain_json():
    """It is compared after a round trip through the file."""
    identity = checkpoint.identity(make_recipe('training.class_weight={"3" = 2.0}', 'data.columns=["a"]'))
    assert json.loads(json.dumps(identity)) == identity


def test_resuming_sweeps_what_a_killed_driver_left_half_written(folder, tmp_path):
    """In the run directory and among the checkpoints; other files stay."""
    (tmp_path / "checkpoints").mkdir()
    left = [tmp_path / ".metrics.json.1f.tmp", tmp_path / "checkpoints/.epoch-00000030.ckpt.2e.tmp"]
    kept = [tmp_path / "history.jsonl", tmp_path / "checkpoints/notes.txt"]
    for path in (*left, *kept):
        path.write_bytes(b"")
    directory = RunDirectory(folder, make_recipe(), "2-ab", warn=pytest.fail)
    assert directory.resume(State(np.zeros(3), 0)) is None
    assert [path.exists() for path in (*left, *kept)] == [False, False, True, True]
