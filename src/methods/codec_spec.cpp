#include "cinch/codec_spec.h"

#include <algorithm>
#include <charconv>

#include "cinch/error.h"
#include "src/methods/methods.h"

namespace cinch {
namespace {

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

std::string allowed_text(const ParamInfo& param) {
  std::string text;
  for (const int64_t v : param.integers) text += (text.empty() ? "" : ", ") + std::to_string(v);
  for (const std::string_view v : param.texts) text += (text.empty() ? "" : ", ") + std::string(v);
  return text;
}

bool is_allowed(const ParamInfo& param, const ParamValue& value) {
  if (const auto* i = std::get_if<int64_t>(&value)) {
    return std::find(param.integers.begin(), param.integers.end(), *i) != param.integers.end();
  }
  if (const auto* s = std::get_if<std::string>(&value)) {
    return std::find(param.texts.begin(), param.texts.end(), *s) != param.texts.end();
  }
  return false;
}

ParamValue default_of(const ParamInfo& param) {
  if (const auto* i = std::get_if<int64_t>(&param.fallback)) return *i;
  return std::string(std::get<std::string_view>(param.fallback));
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
  CodecSpec full = spec;
  for (const auto& [key, value] : spec.params) {
    const ParamInfo* param = find_param(*method, key);
    if (param == nullptr) {
      std::string names;
      for (const ParamInfo& p : method->params) names += (names.empty() ? "" : ", ") + std::string(p.name);
      throw CodecError(spec.name + ": unknown parameter \"" + key + "\"" +
                       (names.empty() ? ": it has none" : ": one of " + names + " is expected"));
    }
    if (value.index() != default_of(*param).index()) {
      const bool integer = std::holds_alternative<int64_t>(param->fallback);
      throw CodecError(spec.name + ": parameter \"" + key + "\" must be " + (integer ? "an integer" : "a text") +
                       ", allowed: " + allowed_text(*param));
    }
    if (!is_allowed(*param, value)) {
      throw CodecError(spec.name + ": parameter \"" + key + "\" is " + text_of(value) +
                       ", allowed: " + allowed_text(*param));
    }
  }
  for (const ParamInfo& p : method->params) full.params.try_emplace(std::string(p.name), default_of(p));
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
      if (it != spec.params.end() && it->second != default_of(p)) add(it->first, it->second);
    }
  }
  for (const auto& [key, value] : spec.params) {
    if (method == nullptr || find_param(*method, key) == nullptr) add(key, value);
  }
  return inner.empty() ? spec.name : spec.name + "(" + inner + ")";
}

}  // namespace cinch
