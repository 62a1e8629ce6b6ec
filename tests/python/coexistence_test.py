"""cinch inside a Python process that has torch loaded: everything that Python code relies on still works."""
import sys
import unittest

import torch
from torch.utils.checkpoint import checkpoint

import cinch_coexistence as cinch


def make_model():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(8 * 8 * 8, 64), torch.nn.GELU(), torch.nn.Dropout(0.2), torch.nn.Linear(64, 10))


def train(model, steps, after_step=lambda: None):
    """Gradients of every step and the parameters at the end."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    gradients = []
    for step in range(steps):
        generator = torch.Generator().manual_seed(step)
        images = torch.randn(16, 3, 16, 16, generator=generator)
        labels = torch.randint(10, (16,), generator=generator)
        torch.manual_seed(100 + step)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        gradients += [p.grad.clone() for p in model.parameters()]
        optimizer.step()
        after_step()
    return gradients + [p.detach().clone() for p in model.parameters()]


class Guarded(unittest.TestCase):
    def setUp(self):
        cinch.start("exact")

    def tearDown(self):
        cinch.stop()


class CoexistenceTest(Guarded):
    def test_gradients_are_bit_equal_under_an_exact_budget(self):
        cinch.stop()
        expected = train(make_model(), 4)
        cinch.start("exact")
        actual = train(make_model(), 4, after_step=cinch.step)
        usage = cinch.usage()
        self.assertEqual(len(expected), len(actual))
        for one, other in zip(expected, actual):
            self.assertTrue(torch.equal(one, other))
        self.assertEqual(usage["steps"], 4)
        self.assertGreater(usage["raw_bytes"], 0)
        self.assertLess(usage["charged_bytes"], usage["raw_bytes"])

    def test_saved_tensors_hooks_of_python_are_called(self):
        calls = []

        def pack(tensor):
            calls.append("pack")
            return tensor * 1.0

        def unpack(tensor):
            calls.append("unpack")
            return tensor

        x = torch.randn(64, 64, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            y = (x.exp() * 2).sum()
        y.backward()
        self.assertEqual(calls.count("pack"), 1)
        self.assertEqual(calls.count("unpack"), 1)
        self.assertTrue(torch.equal(x.grad, x.detach().exp() * 2))

    def test_save_on_cpu_works(self):
        x = torch.randn(64, 64, requires_grad=True)
        with torch.autograd.graph.save_on_cpu():
            y = x.sin().sum()
        y.backward()
        self.assertTrue(torch.equal(x.grad, x.detach().cos()))

    def test_checkpoint_without_reentry_runs_the_forward_twice(self):
        self.check_checkpoint(use_reentrant=False)

    def test_checkpoint_with_reentry_runs_the_forward_twice(self):
        self.check_checkpoint(use_reentrant=True)

    def check_checkpoint(self, use_reentrant):
        model = make_model()
        runs = []

        def block(x):
            runs.append(1)
            return model(x)

        images = torch.randn(16, 3, 16, 16, requires_grad=True)
        torch.manual_seed(7)
        checkpoint(block, images, use_reentrant=use_reentrant).sum().backward()
        self.assertEqual(len(runs), 2)
        actual = images.grad.clone()

        images.grad = None
        cinch.stop()
        model.load_state_dict(make_model().state_dict())
        torch.manual_seed(7)
        model(images).sum().backward()
        self.assertTrue(torch.equal(actual, images.grad))

    def test_anomaly_mode_names_the_forward_line(self):
        x = torch.full((64, 64), -1.0, requires_grad=True)
        with torch.autograd.detect_anomaly(check_nan=True):
            y = x.sqrt()  # the guilty line
            with self.assertWarnsRegex(UserWarning, "the guilty line"):
                with self.assertRaisesRegex(RuntimeError, "SqrtBackward0.*nan"):
                    y.sum().backward()

    def test_exceptions_of_python_keep_their_type(self):
        class Odd(Exception):
            pass

        class Fails(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * 2

            @staticmethod
            def backward(ctx, gradient):
                raise Odd("from backward")

        x = torch.randn(64, 64, requires_grad=True)
        with self.assertRaisesRegex(Odd, "from backward"):
            Fails.apply(x).sum().backward()
        # The engine works on after it.
        (x * x).sum().backward()
        self.assertTrue(torch.equal(x.grad, 2 * x.detach()))

    def test_a_custom_function_gets_back_what_it_saved(self):
        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, gradient):
                (x,) = ctx.saved_tensors
                return 2 * x * gradient

        x = torch.randn(128, 128, requires_grad=True)
        Square.apply(x).sum().backward()
        self.assertTrue(torch.equal(x.grad, 2 * x.detach()))

    def test_in_place_writes_are_still_refused(self):
        x = torch.randn(64, 64, requires_grad=True)
        y = x.exp()
        y.add_(1)
        with self.assertRaisesRegex(RuntimeError, "modified by an inplace operation"):
            y.sum().backward()

    def test_double_backward_is_bit_equal(self):
        def second(x):
            (gradient,) = torch.autograd.grad((x.tanh() ** 2).sum(), x, create_graph=True)
            (result,) = torch.autograd.grad((gradient**2).sum(), x)
            return result

        x = torch.randn(64, 64, requires_grad=True)
        actual = second(x)
        cinch.stop()
        self.assertTrue(torch.equal(actual, second(x)))

    def test_a_second_guard_on_the_device_is_refused(self):
        self.assertRaises(RuntimeError, cinch.start, "exact")


if __name__ == "__main__":
    print("Python", sys.version.split()[0], "torch", torch.__version__)
    unittest.main(verbosity=2)
