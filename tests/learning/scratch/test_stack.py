"""Stacks of layers: shapes and counts against torch, impossible ones told, training that learns and can be trusted."""

import json
import warnings
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from visionlab.errors import ParameterError
from visionlab.learning.scratch import (
    CONVOLUTIONAL,
    STACKS,
    LayerSpec,
    SmallSet,
    Training,
    as_data,
    build,
    conv,
    dense,
    dropout,
    from_data,
    load,
    pace,
    pool,
    probabilities,
    shapes,
    training,
    with_classes,
)
from visionlab.learning.scratch.stack import Dropout
from visionlab.learning.scratch.training import RATE, moved, pace_of

TINY = (conv(4), pool(), dropout(0.25), conv(6, padding="valid"), dense(12), dropout(0.5), dense(3))


@pytest.fixture
def every_warning():
    """PyTorch warns once in the life of a process, unless told otherwise."""
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(False)


@pytest.fixture(scope="module")
def textures() -> SmallSet:
    return load("textures").less(240)


def noise(count: int, side: int = 12, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels), dtype=np.uint8)


def test_s2_is_the_articles_network():
    layers = shapes(CONVOLUTIONAL, (32, 32, 3))
    assert sum(layer.parameters for layer in layers) == 1_250_858
    assert [layer.shape for layer in layers if layer.spec.kind == "pool"] == [(15, 15, 32), (6, 6, 64)]
    assert layers[0].multiplications == 32 * 32 * 27 * 32


@pytest.mark.gpu
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.builds(conv, st.integers(1, 5), st.integers(1, 4), st.sampled_from(["same", "valid"])),
            st.builds(pool, st.integers(1, 3)),
            st.just(dropout(0.5)),
        ),
        max_size=4,
    ),
    st.lists(st.builds(dense, st.integers(1, 9)), min_size=1, max_size=2),
    st.integers(1, 12),
    st.sampled_from([1, 3]),
)
def test_shapes_are_those_that_torch_gives_or_the_stack_is_refused(body, head, side, channels):
    stack = (*body, *head)
    try:
        layers = shapes(stack, (side, side, channels))
    except ParameterError:
        with pytest.raises(ParameterError, match="nothing is left"):
            shapes(stack, (side, side, channels))
        return
    network = build(stack, noise(2, side, channels)).eval()
    x = network.prepared(torch.from_numpy(noise(2, side, channels)))
    for layer, step in zip(layers, network.steps, strict=True):
        x = step(x.flatten(1) if layer.spec.kind == "dense" else x)
        height, width, out = layer.shape
        assert x.shape == ((2, out) if layer.spec.kind == "dense" else (2, out, height, width))
        assert layer.parameters == sum(value.numel() for value in step.parameters())


@pytest.mark.parametrize(
    ("stack", "says"),
    [
        ((conv(8), pool(4), pool(), pool(), dense(3)), "The picture is 1×1 before “pool 3”, which needs 2×2"),
        ((conv(8), pool(4), pool(), pool(), dense(3)), "nothing is left: take out a pool before it, or use a smaller "),
        ((conv(8, size=15, padding="valid"), dense(3)), "12×12 before “conv 1”, which needs 15×15"),
        ((conv(8, size=15, padding="valid"), dense(3)), "nothing is left: use a smaller kernel in it, or take it out"),
        ((*[conv(8, 7, "valid")] * 3, dense(3)), "left: give a conv before it the padding “same”, or use a smaller"),
        ((pool(10**300), dense(3)), "which needs 1000000000"),
        ((dense(8), conv(4), dense(3)), "“conv 1” needs a picture"),
        ((conv(0), dense(3)), "“conv 1” has 0 outputs"),
        ((pool(0), dense(3)), "“pool 1” has the size 0"),
        ((dropout(1.0), dense(3)), "“dropout 1” drops a share of 1.0"),
        ((conv(4, padding="full"), dense(3)), "padding “full”"),
        ((LayerSpec("norm"), dense(3)), "kind “norm”"),
        ((conv(4),), "last layer must be dense"),
        ((), "last layer must be dense"),
        ((*[conv(1)] * 40, dense(3)), "41 layers"),
        ((dense(10**6), dense(3)), "With “dense 1” the stack has over 100,000,000 parameters"),
        ((conv(5_000), conv(500), dense(3)), "With “conv 2” a picture takes over 1,000,000,000 multiplications"),
    ],
)
def test_an_impossible_stack_is_one_sentence_that_names_the_layer(stack, says):
    with pytest.raises(ParameterError, match=says):
        shapes(stack, (12, 12, 3))


def test_stacks_travel_as_json_and_take_other_classes():
    for stack in STACKS.values():
        assert from_data(json.loads(json.dumps(as_data(stack)))) == stack
        assert with_classes(stack, 7)[-1].out == 7
    for bad in (
        [{"kind": "conv", "depth": 3}],
        [{"kind": "conv", "out": "8"}],
        [7],
        None,
        [{"kind": "pool", "size": 1.5}],
    ):
        with pytest.raises(ParameterError, match="no stack of layers"):
            from_data(bad)


@pytest.mark.gpu
def test_the_network_is_that_of_plain_torch(device):
    images = noise(20)
    network = build(TINY, images, seed=1).to(device)
    torch.nn.init.normal_(network.steps[-1].weight)  # zero to begin with
    mean, spread = images.mean((0, 1, 2)), images.std((0, 1, 2))
    x = torch.from_numpy((images - mean) / spread).float().permute(0, 3, 1, 2)
    steps = network.cpu().steps
    plain = nn.Sequential(
        *(steps[0], nn.ReLU(), nn.MaxPool2d(2), steps[3], nn.ReLU(), nn.Flatten(), steps[4], nn.ReLU(), steps[6])
    )
    with torch.no_grad():
        wanted = plain(x).softmax(1).numpy()
    np.testing.assert_allclose(probabilities(network.to(device), images), wanted, atol=2e-5)
    maps = network.maps(images[0])
    assert {name: values.shape for name, values in maps.items()} == {"conv 1": (4, 12, 12), "conv 2": (6, 4, 4)}
    with torch.no_grad():
        first = plain.cpu()[:2](x[:1])[0].numpy()
    np.testing.assert_allclose(maps["conv 1"], first, atol=2e-4)


@pytest.mark.gpu
def test_dropout_drops_its_share_and_keeps_the_mean(device):
    x = torch.ones(200, 8, 5, 5, device=device).to(memory_format=torch.channels_last)
    layer = Dropout(0.25, seed=0)
    out = layer(x)
    assert abs((out == 0).float().mean().item() - 0.25) < 0.02
    assert abs(out.mean().item() - 1) < 0.02
    assert torch.unique(out).tolist() == pytest.approx([0, 4 / 3])
    assert not torch.equal(out, layer(x))
    assert torch.equal(out, Dropout(0.25, seed=0)(x))
    assert layer.eval()(x) is x


def test_moved_pictures_are_shifted_and_mirrored_ones():
    picture = np.zeros((9, 9, 1), np.uint8)
    picture[4, 3] = 255
    batch = torch.from_numpy(np.repeat(picture[None], 400, 0))
    places = moved(batch, 2, True, torch.Generator().manual_seed(0))[..., 0].flatten(1).argmax(1)
    seen = {divmod(int(place), 9) for place in places}
    assert seen == {(row, column) for row in range(2, 7) for column in (1, 2, 3, 4, 5, 6, 7)}
    still = moved(batch, 0, False, torch.Generator())
    assert torch.equal(still, batch)
    edge = moved(torch.full((50, 6, 6, 3), 9, dtype=torch.uint8), 3, True, torch.Generator())
    assert (edge == 9).all()


@pytest.mark.gpu
def test_training_learns_and_shows_it(textures, device):
    run = Training(TINY, textures, epochs=10, batch=32, rate=5e-3, device=device)
    looks = list(run.looks())
    assert [epoch.index for epoch in run.history] == [*range(1, 11)]
    assert [look.epoch for look in looks if look.epoch] == run.history
    assert all(0 < look.done <= look.of == 240 and np.isfinite(look.loss) for look in looks)
    last = run.history[-1]
    assert last.test_accuracy > 0.6  # chance is a third
    assert last.train_loss < run.history[0].train_loss
    assert last.maps["conv 1"].shape == (4, 32, 32)
    assert not np.array_equal(last.maps["conv 1"], run.history[0].maps["conv 1"])
    right = (run.probabilities(textures.test_images).argmax(1) == textures.test_labels).mean()
    assert right == pytest.approx(last.test_accuracy, abs=0.03)  # epochs may be tested in half precision


def test_looks_add_up_to_their_epoch(textures):
    looks = list(Training(TINY, textures, 2, device="cpu").looks())
    for epoch in (1, 2):
        own = [look for look in looks if look.index == epoch]
        counts = np.diff([0, *(look.done for look in own)])
        for of, name in (("accuracy", "train_accuracy"), ("loss", "train_loss")):
            shares = [getattr(look, of) for look in own]
            assert np.average(shares, weights=counts) == pytest.approx(getattr(own[-1].epoch, name), rel=1e-5)
    assert [looks[0].passes, looks[-1].passes] == [looks[0].done / len(textures.images), 2]


def test_a_pace_is_told_by_a_part_of_a_training(textures):
    work = (conv(128), conv(128), dense(10))  # ten outputs for three classes, and thousands of times the work
    found, other = (pace(stack, textures, "cpu", within=0.1) for stack in (STACKS["linear"], work))
    assert min(found.learned, found.tested, other.learned, other.tested) > 0
    assert other.learned < found.learned
    assert other.learned < other.tested
    assert found.seconds(240, 60, 4) == pytest.approx(4 * (240 / found.learned + 60 / found.tested + found.around))


def test_a_pace_counts_what_else_the_machine_does_but_not_what_hits_it_once(monkeypatch):
    """A piece of work is a millisecond; of three, one waits for two more, which the quickest would leave out."""
    clock, done = [0.0], [0]

    def work():
        done[0] += 1
        clock[0] += 1.0 if done[0] == 20 else 0.003 if done[0] % 3 == 0 else 0.001
        return 1

    monkeypatch.setattr(training.time, "perf_counter", lambda: clock[0])
    assert pace_of(work, 0.5) == pytest.approx(3 / 0.005, rel=0.05)


@pytest.mark.usefixtures("every_warning")
def test_pictures_that_may_not_be_written_to_are_learned_from_without_a_warning(textures):
    parts = {name: getattr(textures, name).copy() for name in ("images", "labels", "test_images", "test_labels")}
    for part in parts.values():
        part.flags.writeable = False
    run = Training((conv(4), dense(3)), replace(textures, **parts), epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len([*run]) == 1
        run.probabilities(parts["test_images"][:2])


def test_one_seed_gives_one_result_whatever_else_draws(textures):
    def weights(seed: int) -> list[torch.Tensor]:
        run = Training(TINY, textures, epochs=1, seed=seed)
        for _ in run.looks():
            torch.rand(3)  # another training, by the global generator
        return list(run.network.weights().values())

    one, two, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_rate_that_is_too_high_stops_and_keeps_the_last_good_weights(textures):
    run = Training(TINY, textures, epochs=3, rate=1e30)
    before = run.network.weights()
    *_, last = run.looks()
    assert last.diverged is run.diverged is not None
    assert "epoch 1, by step 2, at a learning rate of 1e+30" in str(run.diverged)
    assert run.history == []
    assert all(torch.equal(before[name], value) for name, value in run.network.weights().items())


@pytest.mark.parametrize("rate", [100, 1e6])
def test_a_loss_that_grows_without_becoming_infinite_stops_too(rate):
    run = Training(STACKS["linear"], load("digits").less(300), epochs=3, rate=rate, device="cpu")
    *_, last = run.looks()
    assert np.isfinite(last.loss)
    assert last.diverged is run.diverged is not None
    told = str(run.diverged)
    step = -(-last.done // run.batch)
    assert f"of guessing, in epoch {last.index}, by step {step}, at a learning rate of {rate:g};" in told
    assert "Try a rate of 0.0015." in told


def test_what_is_kept_is_what_the_last_good_epoch_had(textures):
    run = Training(TINY, textures, epochs=4, rate=5e-3, device="cpu")
    for look in run.looks():
        if look.epoch and look.index == 2:
            weights, answers = run.network.weights(), run.answers.copy()
            run.rate = 1e6
    assert look.diverged is run.diverged is not None
    assert look.index == 3
    assert look.epoch is None
    assert [epoch.index for epoch in run.history] == [1, 2]
    kept = run.network.weights()
    assert weights.keys() == kept.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(kept[name].numpy(), value.numpy(), name)
    np.testing.assert_array_equal(run.answers, answers)


def test_a_bad_start_is_no_divergence(textures):
    run = Training(TINY, textures, epochs=6, rate=1e-2, device="cpu")
    with torch.no_grad():
        run.network.steps[-1].weight.normal_(std=100, generator=torch.Generator().manual_seed(0))
    losses = [look.loss for look in run.looks()]
    assert max(losses) > 50 * np.log(3), "far worse than guessing"
    assert run.diverged is None
    assert losses[-1] < max(losses) / 10


@pytest.mark.parametrize("name", ["linear", "fully connected", "small"])
def test_ten_times_the_usual_rate_is_no_divergence(name):
    run = Training(STACKS[name], load("digits").less(300), epochs=3, rate=10 * RATE, device="cpu")
    losses = [look.loss for look in run.looks()]
    assert run.diverged is None
    assert max(losses) < 10 * np.log(10), "nowhere near"


def test_a_training_that_is_not_asked_further_stays_usable(textures):
    run = Training(TINY, textures, epochs=50)
    assert len(list(islice(run, 2))) == 2
    assert np.isfinite(run.probabilities(textures.test_images)).all()


def test_a_linear_stack_on_separable_pictures_agrees_with_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    digits = load("digits")
    run = Training(STACKS["linear"], digits, epochs=12, rate=1e-2, augment=False, smoothing=0, device="cpu")
    *_, last = run
    flat = [part.reshape(len(part), -1) / 255 for part in (digits.images, digits.test_images)]
    oracle = LogisticRegression(max_iter=500).fit(flat[0], digits.labels)
    assert last.test_accuracy > oracle.score(flat[1], digits.test_labels) - 0.03


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"epochs": 0}, "0 epochs"),
        ({"rate": float("nan")}, "learning rate is nan"),
        ({"seed": -1}, "seed is -1"),
        ({"stack": CONVOLUTIONAL}, "10 outputs for 3 classes"),
        ({"watched": noise(1)[0]}, "watched picture is"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(textures, change, says):
    with pytest.raises(ParameterError, match=says):
        Training(**{"stack": TINY, "data": textures, **change})


def test_pictures_of_another_size_are_refused(textures):
    with pytest.raises(ParameterError, match=r"\(N, 32, 32, 1\) is needed"):
        probabilities(build(TINY, textures.images), noise(2))
