#include "cinch/codec_spec.h"

#include <algorithm>
#include <charconv>

#include "cinch/error.h"
#include "src/methods/methods.h"

namespace cinch {
namespace {

// A value has its parameter's type when both variants hold the alternative of the same number.
static_assert(std::variant_size_v<ParamValue> == std::variant_size_v<decltype(ParamInfo::fallback)>);

std::string text_of(const ParamValue& value) {
  struct Text {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const {
      char buffer[32];
      const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;  // shortest that reads back the same
      return std::string(buffer, end);
    }
    std::string operator()(const std::string& v) const { return v; }
  };
  return std::visit(Text{}, value);
}

[[noreturn]] void wrong_type(const CodecSpec& spec, const std::string& key, const char* expected) {
  throw CodecError(spec.name + ": parameter \"" + key + "\" must be " + expected + ", not " +
                   text_of(spec.params.at(key)));
}

const ParamInfo* find_param(const MethodInfo& method, const std::string& name) {
  const auto it =
      std::find_if(method.params.begin(), method.params.end(), [&](const ParamInfo& p) { return p.name == name; });
  return it == method.params.end() ? nullptr : &*it;
}

template <class T>
std::string range_text(const Between<T>& range) {
  return text_of(range.min) + " to " + text_of(range.max);
}

// NaN is in no range.
template <class T>
bool contains(const Between<T>& range, T v) {
  return range.min <= v && v <= range.max;
}

std::string allowed_text(const ParamInfo& param) {
  if (param.integer_range) return range_text(*param.integer_range);
  if (param.numbers) {
    const double fallback = std::get<double>(param.fallback);
    return (contains(*param.numbers, fallback) ? "" : text_of(fallback) + " or ") + range_text(*param.numbers);
  }
  if (std::holds_alternative<bool>(param.fallback)) return "true, false";
  std::string text;
  for (const int64_t v : param.integers) text += (text.empty() ? "" : ", ") + std::to_string(v);
  for (const std::string_view v : param.texts) text += (text.empty() ? "" : ", ") + std::string(v);
  return text;
}

const char* type_text(const ParamInfo& param) {
  constexpr const char* kNames[] = {"true or false", "an integer", "a number", "a text"};
  return kNames[param.fallback.index()];
}

// `value` has the parameter's type.
bool is_allowed(const ParamInfo& param, const ParamValue& value) {
  if (const auto* i = std::get_if<int64_t>(&value)) {
    if (param.integer_range) return contains(*param.integer_range, *i);
    return std::find(param.integers.begin(), param.integers.end(), *i) != param.integers.end();
  }
  if (const auto* d = std::get_if<double>(&value))
    return *d == std::get<double>(param.fallback) || (param.numbers && contains(*param.numbers, *d));
  if (const auto* s = std::get_if<std::string>(&value)) {
    return std::find(param.texts.begin(), param.texts.end(), *s) != param.texts.end();
  }
  return true;
}

ParamValue default_of(const ParamInfo& param) {
  struct Value {
    ParamValue operator()(std::string_view v) const { return std::string(v); }
    ParamValue operator()(bool v) const { return v; }
    ParamValue operator()(int64_t v) const { return v; }
    ParamValue operator()(double v) const { return v; }
  };
  return std::visit(Value{}, param.fallback);
}

// An integer where a real number belongs is one.
ParamValue as_type_of(const ParamInfo& param, const ParamValue& value) {
  const auto* i = std::get_if<int64_t>(&value);
  if (i != nullptr && std::holds_alternative<double>(param.fallback)) return static_cast<double>(*i);
  return value;
}

// Of a spec with all its parameters.
void check_contradictions(const CodecSpec& full, const MethodInfo& method) {
  for (const ParamInfo& param : method.params) {
    const ParamValue& value = full.params.at(std::string(param.name));
    if (param.instead_of.empty() || value == default_of(param)) continue;
    const std::string other(param.instead_of);
    const ParamValue only = default_of(*find_param(method, other));
    if (full.params.at(other) == only) continue;
    throw CodecError(full.name + ": parameter \"" + other + "\" is " + text_of(full.params.at(other)) + ", but \"" +
                     std::string(param.name) + "\" = " + text_of(value) +
                     " takes its place; allowed beside it: " + text_of(only) + ", its default");
  }
}

}  // namespace

int64_t CodecSpec::get_int(const std::string& key, int64_t fallback) const {
  const auto it = params.find(key);
  if (it == params.end()) return fallback;
  if (const auto* v = std::get_if<int64_t>(&it->second)) return *v;
  wrong_type(*this, key, "an integer");
}

double CodecSpec::get_double(const std::string& key, double fallback) const {
  const auto it = params.find(key);
  if (it == params.end()) return fallback;
  if (const auto* v = std::get_if<double>(&it->second)) return *v;
  if (const auto* v = std::get_if<int64_t>(&it->second)) return static_cast<double>(*v);
  wrong_type(*this, key, "a number");
}

bool CodecSpec::get_bool(const std::string& key, bool fallback) const {
  const auto it = params.find(key);
  if (it == params.end()) return fallback;
  if (const auto* v = std::get_if<bool>(&it->second)) return *v;
  wrong_type(*this, key, "true or false");
}

std::string CodecSpec::get_string(const std::string& key, const std::string& fallback) const {
  const auto it = params.find(key);
  if (it == params.end()) return fallback;
  if (const auto* v = std::get_if<std::string>(&it->second)) return *v;
  wrong_type(*this, key, "a text");
}

CodecSpec normalise(const CodecSpec& spec) {
  const MethodInfo* method = find_method(spec.name);
  if (method == nullptr)
    throw CodecError("unknown method \"" + spec.name + "\": one of " + method_names() + " is expected");
  return normalise(spec, *method);
}

CodecSpec normalise(const CodecSpec& spec, const MethodInfo& method) {
  CodecSpec full = spec;
  for (auto& [key, value] : full.params) {
    const ParamInfo* param = find_param(method, key);
    if (param == nullptr) {
      std::string names;
      for (const ParamInfo& p : method.params) names += (names.empty() ? "" : ", ") + std::string(p.name);
      throw CodecError(spec.name + ": unknown parameter \"" + key + "\"" +
                       (names.empty() ? ": it has none" : ": one of " + names + " is expected"));
    }
    value = as_type_of(*param, value);
    if (value.index() != param->fallback.index()) {
      throw CodecError(spec.name + ": parameter \"" + key + "\" must be " + type_text(*param) +
                       ", allowed: " + allowed_text(*param));
    }
    if (!is_allowed(*param, value)) {
      throw CodecError(spec.name + ": parameter \"" + key + "\" is " + text_of(value) +
                       ", allowed: " + allowed_text(*param));
    }
  }
  for (const ParamInfo& p : method.params) full.params.try_emplace(std::string(p.name), default_of(p));
  check_contradictions(full, method);
  return full;
}

std::string to_string(const CodecSpec& spec) {
  const MethodInfo* method = find_method(spec.name);
  std::string inner;
  const auto add = [&](const std::string& key, const ParamValue& value) {
    inner += (inner.empty() ? "" : ", ") + key + "=" + text_of(value);
  };
  // The table's order first: bits before group reads best.
  if (method != nullptr) {
    for (const ParamInfo& p : method->params) {
      const auto it = spec.params.find(std::string(p.name));
      if (it != spec.params.end() && as_type_of(p, it->second) != default_of(p)) add(it->first, it->second);
    }
  }
  for (const auto& [key, value] : spec.params) {
    if (method == nullptr || find_param(*method, key) == nullptr) add(key, value);
  }
  return inner.empty() ? spec.name : spec.name + "(" + inner + ")";
}

}  // namespace cinch
