"""`Model.from_diffusers` (N2): small random networks of diffusers, against what its schedulers make of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import certflow as cf
from certflow.errors import InputError

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

# its schedulers hand tensors to NumPy in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array")

X = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(1))
V = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module", autouse=True)
def _seeded():
    torch.manual_seed(0)
    with torch.no_grad():
        yield


#: What the small transformers share.
SMALL = {"in_channels": 4, "num_layers": 1, "num_attention_heads": 2}
#: An image of 4 channels on 8 x 8 pixels, in patches of 2 x 2.
PATCHES = {"sample_size": 8, "patch_size": 2, "attention_head_dim": 4}


@pytest.fixture(scope="module")
def unet(networks):
    return networks.UNet2DModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        attention_head_dim=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    ).eval()


@pytest.fixture(scope="module")
def dit(networks):
    more = {"out_channels": 8, "num_embeds_ada_norm": 10, "norm_num_groups": 4}
    return networks.DiTTransformer2DModel(**SMALL, **PATCHES, **more).eval()


@pytest.fixture(scope="module")
def sd3(networks):
    widths = {"joint_attention_dim": 8, "caption_projection_dim": 8, "pooled_projection_dim": 6}
    return networks.SD3Transformer2DModel(**SMALL, **PATCHES, **widths, out_channels=4, pos_embed_max_size=8).eval()


TEXT = {"encoder_hidden_states": torch.ones(1, 5, 8), "pooled_projections": torch.ones(1, 6)}


@pytest.mark.parametrize("predicts", ["epsilon", "sample", "v_prediction"])
@pytest.mark.parametrize("scheduler", ["DDPMScheduler", "DDIMScheduler", "EulerDiscreteScheduler"])
def test_the_denoiser_is_that_of_the_scheduler(unet, scheduler, predicts):
    """At a training step: what the scheduler's own step calls the predicted original sample."""
    exploding = scheduler == "EulerDiscreteScheduler"  # its x is x_0 + sigma z, and it never clips
    options = {} if exploding else {"clip_sample": False}
    made = getattr(diffusers, scheduler)(beta_schedule="scaled_linear", prediction_type=predicts, **options)
    m = cf.Model.from_diffusers(unet, made)
    assert (m.predicts, m.shape) == (predicts, (4, 8, 8))
    made.set_timesteps(1000)
    for step in (50, 500, 950):
        t = float(m.schedule.ou_time(step))
        own = X / math.sqrt(float(made.alphas_cumprod[step])) if exploding else X
        made._step_index = None  # as if this step were the first
        timestep = torch.tensor(step).float() if exploding else step
        said = unet(made.scale_model_input(own, timestep), step).sample
        expected = made.step(said, timestep, own).pred_original_sample
        torch.testing.assert_close(m.denoiser(X, t), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "scheduler", ["EDMEulerScheduler", "EDMDPMSolverMultistepScheduler", "CosineDPMSolverMultistepScheduler"]
)
@pytest.mark.parametrize("predicts", ["epsilon", "v_prediction"])
def test_the_preconditioning_of_edm_is_that_of_the_scheduler(unet, scheduler, predicts):
    made = getattr(diffusers, scheduler)(prediction_type=predicts, sigma_min=0.01, sigma_max=50.0, sigma_data=0.7)
    m = cf.Model.from_diffusers(unet, made)
    np.testing.assert_allclose([m.t_min, m.t_max], np.log1p(np.array([0.01, 50.0]) ** 2) / 2, rtol=1e-12)
    for sigma in (0.02, 1.0, 30.0):
        t = math.log1p(sigma**2) / 2
        level = torch.tensor(sigma)
        said = unet(made.precondition_inputs(X, level), made.precondition_noise(level)).sample
        expected = made.precondition_outputs(X, said, level)
        torch.testing.assert_close(m.denoiser(X * math.exp(-t), t), expected, rtol=2e-4, atol=2e-4)


def test_continuous_v_prediction_of_the_euler_scheduler(unet):
    """`D = x / (1 + sigma^2) - sigma v / sqrt(1 + sigma^2)`, the network at `log(sigma) / 4`."""
    made = diffusers.EulerDiscreteScheduler(
        timestep_type="continuous", prediction_type="v_prediction", sigma_min=0.01, sigma_max=50.0
    )
    m = cf.Model.from_diffusers(unet, made)
    for sigma in (0.02, 30.0):
        total = 1 + sigma**2
        said = unet(X / math.sqrt(total), torch.tensor(math.log(sigma) / 4)).sample
        expected = X / total - sigma / math.sqrt(total) * said
        found = m.denoiser(X / math.sqrt(total), math.log(total) / 2)
        torch.testing.assert_close(found, expected, rtol=2e-4, atol=2e-4)
    assert m.t_max == pytest.approx(math.log1p(2500) / 2)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_the_flow_of_a_transformer_is_that_of_the_scheduler(sd3, shift):
    """One Euler step to sigma 0 ends at the predicted data, whatever the shift."""
    made = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)
    m = cf.Model.from_diffusers(sd3, made, **TEXT)
    assert (m.predicts, m.time_scale, m.shape) == ("flow_prediction", 1000, (4, 8, 8))
    made.set_timesteps(10)
    timestep, sigma = made.timesteps[-1], float(made.sigmas[-2])
    rows = {name: value.expand(3, *value.shape[1:]) for name, value in TEXT.items()}
    said = sd3(X, timestep=timestep.expand(3), **rows).sample
    made.set_begin_index(9)
    expected = made.step(said, timestep, X).prev_sample
    found = m.denoiser(X / math.hypot(1 - sigma, sigma), math.log1p((sigma / (1 - sigma)) ** 2) / 2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_flow_sigmas_of_a_multistep_solver(unet):
    made = diffusers.DPMSolverMultistepScheduler(
        use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=5.0
    )
    m = cf.Model.from_diffusers(unet, made)
    assert (m.predicts, m.schedule.shift, m.time_scale) == ("flow_prediction", 5.0, 1000)
    made.set_timesteps(10)
    sigma = float(made.sigmas[3])
    t = float(m.schedule.ou_time(sigma))
    assert 1000 * sigma == pytest.approx(float(made.timesteps[3]), abs=1)  # it casts its timesteps to integers
    said = unet(X, torch.tensor(1000 * sigma)).sample
    made._step_index = 3
    expected = made.convert_model_output(said, sample=X)
    torch.testing.assert_close(m.denoiser(X / math.hypot(1 - sigma, sigma), t), expected, rtol=1e-4, atol=1e-4)


def test_a_variance_beside_the_mean_is_left_out(dit):
    made = diffusers.DDIMScheduler()
    m = cf.Model.from_diffusers(dit, made, class_labels=torch.tensor([3]))
    t = float(m.schedule.ou_time(400))
    said = dit(X, timestep=torch.tensor([400.0] * 3), class_labels=torch.tensor([3] * 3)).sample
    assert said.shape[1] == 8
    torch.testing.assert_close(m.noise(X, t), said[:, :4], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("which", ["unet", "dit", "sd3"])
def test_forward_mode_goes_through_the_networks(which, request):
    """Their attention and their norms of groups too, whose fused kernels have no forward derivative."""
    network = request.getfixturevalue(which)
    made, conditioning = {
        "unet": (diffusers.DDPMScheduler(), {}),
        "dit": (diffusers.DDPMScheduler(), {"class_labels": torch.tensor([3])}),
        "sd3": (diffusers.FlowMatchEulerDiscreteScheduler(), TEXT),
    }[which]
    network.double()
    try:
        wide = {name: value.double() if value.is_floating_point() else value for name, value in conditioning.items()}
        m = cf.Model.from_diffusers(network, made, **wide)
        x, v, h = X.double(), V.double(), 1e-5
        found = m.jacobian_product(x, 0.5, v)
        assert found.method == "forward mode"
        gap = (m.velocity(x + h * v, 0.5) - m.velocity(x - h * v, 0.5)) / (2 * h)
        torch.testing.assert_close(found, gap, rtol=1e-6, atol=1e-7)
    finally:
        network.float()


def test_a_network_that_takes_sigma_gets_sigma(networks):
    widths = {"attention_head_dim": 8, "joint_attention_dim": 8, "pooled_projection_dim": 6}
    flux = networks.FluxTransformer2DModel(**SMALL, **widths, num_single_layers=1, axes_dims_rope=(2, 2, 4)).eval()
    tokens = torch.randn(2, 16, 4, generator=torch.Generator().manual_seed(3))
    places = {"img_ids": torch.zeros(16, 3), "txt_ids": torch.zeros(5, 3)}
    m = cf.Model.from_diffusers(flux, diffusers.FlowMatchEulerDiscreteScheduler(), **TEXT, **places)
    assert m.time_scale == 1
    sigma = 0.25
    t = float(m.schedule.ou_time(sigma))
    many = {name: value.expand(2, *value.shape[1:]) for name, value in TEXT.items()}
    said = flux(tokens, timestep=torch.full((2,), sigma), **many, **places).sample
    found = m.denoiser(tokens / math.hypot(0.75, 0.25), t)
    torch.testing.assert_close(found, tokens - sigma * said, rtol=1e-4, atol=1e-4)
    scaled = cf.Model.from_diffusers(flux, diffusers.FlowMatchEulerDiscreteScheduler(), time_scale=2, **TEXT, **places)
    assert scaled.time_scale == 2


def test_zero_terminal_snr_is_that_of_training(unet):
    """Some schedulers put a small number in the place of the last alpha_bar, to have a finite sigma; training had 0."""
    for scheduler in (diffusers.DDIMScheduler, diffusers.EulerDiscreteScheduler):
        m = cf.Model.from_diffusers(unet, scheduler(rescale_betas_zero_snr=True, prediction_type="v_prediction"))
        assert m.schedule.time_at(np.inf) == 999
        said = unet(X, 999).sample
        torch.testing.assert_close(m.denoiser(X, np.inf), -said, rtol=1e-4, atol=1e-4)
        assert m.t_max == float(m.schedule.ou_time(998))


def test_a_rate_of_a_network(unet):
    m = cf.Model.from_diffusers(unet, diffusers.DDPMScheduler())
    found = cf.schedules.typical_rate(m, X, [0.5], samples=4)
    assert found.method == "forward mode"
    assert found.values[0] > 0


def named(name: str, **config):
    """A network of this name, by which what its pipeline does is known."""
    network = type(name, (torch.nn.Linear,), {"config": config})(2, 2)
    network.forward = lambda x, timestep: x
    return network


def test_multiples_of_the_time_by_name():
    flow = diffusers.FlowMatchEulerDiscreteScheduler()
    scales = {
        name: cf.Model.from_diffusers(named(name, **config), flow).time_scale
        for name, config in {
            "QwenImageTransformer2DModel": {},
            "WanTransformer3DModel": {},
            "SanaTransformer2DModel": {"timestep_scale": 0.001},
        }.items()
    }
    assert list(scales.values()) == [1, 1000, 1]


@pytest.mark.parametrize(
    "name", ["ZImageTransformer2DModel", "MochiTransformer3DModel", "HiDreamImageTransformer2DModel"]
)
def test_networks_whose_pipelines_do_more_are_refused(name):
    with pytest.raises(InputError, match=f"network: got '{name}'; required: a network whose pipeline hands it"):
        cf.Model.from_diffusers(named(name), diffusers.FlowMatchEulerDiscreteScheduler())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda u: (u, "ddpm"), "scheduler: got 'ddpm'; required: a scheduler of diffusers"),
        (lambda u: (u, diffusers.CMStochasticIterativeScheduler()), "scheduler: got 'CMStochasticIterativeScheduler'"),
        (lambda u: (u, diffusers.SCMScheduler()), "scheduler: got 'SCMScheduler'; required: one that says what"),
        (lambda u: (u, diffusers.IPNDMScheduler()), "scheduler: got 'IPNDMScheduler'"),
        (lambda u: (u, diffusers.HeliosScheduler()), "scheduler: got 'HeliosScheduler'"),
        (lambda u: (u, diffusers.RePaintScheduler()), "prediction_type: got None; required: epsilon, sample or v_pred"),
        (
            lambda u: (u, diffusers.FlowMatchEulerDiscreteScheduler(invert_sigmas=True)),
            "scheduler: got 'invert_sigmas True'",
        ),
        (
            lambda u: (u, diffusers.UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="v_prediction")),
            "prediction_type: got 'v_prediction'; required: epsilon, sample or flow_prediction, beside use_flow_sigmas",
        ),
        (
            lambda u: (u, diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction")),
            "prediction_type: got 'flow_prediction'",
        ),
        (lambda u: (u, diffusers.EDMEulerScheduler(prediction_type="sample")), "prediction_type: got 'sample'"),
        (lambda u: (lambda x: x, diffusers.DDPMScheduler()), "network: got"),
        (
            lambda u: (named("Lumina2Transformer2DModel"), diffusers.DDPMScheduler()),
            "network: got 'Lumina2Transformer2DMod",
        ),
    ],
)
def test_what_is_not_said_is_refused_in_one_line(unet, make, message):
    with pytest.raises(InputError, match=message) as caught:
        cf.Model.from_diffusers(*make(unet))
    assert "\n" not in str(caught.value)


def test_keywords_that_the_network_does_not_take(unet):
    with pytest.raises(InputError, match=r"class_label: got 3; required: .*: class_labels"):
        cf.Model.from_diffusers(unet, diffusers.DDPMScheduler(), class_label=3)
    with pytest.raises(InputError, match="time_scale: got 2; required: none"):
        cf.Model.from_diffusers(unet, diffusers.EDMEulerScheduler(), time_scale=2)
    with pytest.raises(InputError, match=r"x: got 'shape \(3, 3, 8, 8\)'; required: shape \(..., 4, 8, 8\)"):
        cf.Model.from_diffusers(unet, diffusers.DDPMScheduler()).score(X[:, :3], 0.5)
    other = cf.Model.from_diffusers(unet, diffusers.DDPMScheduler(), shape=(4, 16, 16), t_max=1)
    assert other.score(torch.zeros(1, 4, 16, 16), 0.5).shape == (1, 4, 16, 16)
    assert other.t_max == 1


def test_a_condition_that_the_network_needs():
    network = named("UNet2DConditionModel")
    network.forward = lambda sample, timestep, encoder_hidden_states, return_dict=True: (sample,)
    with pytest.raises(InputError, match=r"f: got .*missing a required .*argument: 'encoder_hidden_states'"):
        cf.Model.from_diffusers(network, diffusers.DDPMScheduler())
    m = cf.Model.from_diffusers(network, diffusers.DDPMScheduler(), encoder_hidden_states=torch.ones(1, 5, 8))
    assert m.score(torch.zeros(2, 4), 0.5).shape == (2, 4)


def test_a_network_in_half_precision_is_called_in_it(unet):
    """But for the time: there is no step 999 in bfloat16."""
    seen = []
    hook = unet.time_proj.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    try:
        m = cf.Model.from_diffusers(unet.to(torch.bfloat16), diffusers.DDPMScheduler())
        t = float(m.schedule.ou_time(997))
        assert m.score(X, t).dtype == torch.float32
        assert m.score(X.to(torch.bfloat16), t).dtype == torch.bfloat16
        assert m.score(X.numpy(), t).dtype == np.float32
        assert [times.tolist() for times in seen] == [[997.0] * 3] * 3
    finally:
        hook.remove()
        unet.float()
