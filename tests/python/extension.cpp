// A Python module that makes a BudgetGuard inside a Python process: start(budget), step(), stop(), usage().
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <exception>
#include <optional>
#include <string>

#include "cinch/budget.h"
#include "cinch/torch/guard.h"

namespace {

std::optional<cinch::BudgetGuard> g_guard;

// Runs body and turns a C++ error into a Python RuntimeError.
template <class Body>
PyObject* guarded(Body body) {
  try {
    return body();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
    return nullptr;
  }
}

PyObject* start(PyObject*, PyObject* arguments) {
  const char* budget = nullptr;
  if (!PyArg_ParseTuple(arguments, "s", &budget)) return nullptr;
  return guarded([&]() -> PyObject* {
    cinch::GuardOptions options;
    options.observe_steps = 1;
    g_guard = cinch::BudgetGuard(cinch::Budget::parse(budget), options);
    Py_RETURN_NONE;
  });
}

PyObject* step(PyObject*, PyObject*) {
  return guarded([]() -> PyObject* {
    if (!g_guard) throw cinch::Error("no guard; call start first");
    g_guard->step();
    Py_RETURN_NONE;
  });
}

PyObject* stop(PyObject*, PyObject*) {
  g_guard.reset();
  Py_RETURN_NONE;
}

PyObject* usage(PyObject*, PyObject*) {
  return guarded([]() -> PyObject* {
    if (!g_guard) throw cinch::Error("no guard; call start first");
    const cinch::Usage now = g_guard->usage();
    return Py_BuildValue("{s:L,s:L,s:L}", "raw_bytes", static_cast<long long>(now.raw_bytes), "charged_bytes",
                         static_cast<long long>(now.charged_bytes), "steps", static_cast<long long>(now.steps));
  });
}

PyMethodDef g_methods[] = {
    {"start", start, METH_VARARGS, "start(budget): makes the guard of this thread"},
    {"step", step, METH_NOARGS, "step(): ends an iteration"},
    {"stop", stop, METH_NOARGS, "stop(): destroys the guard"},
    {"usage", usage, METH_NOARGS, "usage(): dict of bytes and steps"},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef g_module = {
    PyModuleDef_HEAD_INIT, "cinch_coexistence", nullptr, -1, g_methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_cinch_coexistence() { return PyModule_Create(&g_module); }
