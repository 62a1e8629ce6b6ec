/// A codec spec: a method's name with its parameters, as plain data. It is what budgets, plans and profiles carry;
/// the codec room turns it into a codec. JSON form: {"name": "group_quant", "bits": 2, "group": 256, "rounding":
/// "stochastic"}. No torch. Value type; threads may read one object together.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

namespace cinch {

/// A parameter's value. Which alternative a parameter must have is in the table of methods.
using ParamValue = std::variant<bool, int64_t, double, std::string>;

/// Method name and parameters. Parameters left out take the method's defaults (normalise() fills them in).
struct CodecSpec {
  std::string name = "keep";
  std::map<std::string, ParamValue> params;

  bool operator==(const CodecSpec&) const = default;

  /// Integer parameter, or `fallback` when absent. Throws CodecError when it has another type.
  int64_t get_int(const std::string& key, int64_t fallback) const;
  /// Number (integer or real) parameter, or `fallback` when absent. Throws CodecError when it has another type.
  double get_double(const std::string& key, double fallback) const;
  /// True-or-false parameter, or `fallback` when absent. Throws CodecError when it has another type.
  bool get_bool(const std::string& key, bool fallback) const;
  /// Text parameter, or `fallback` when absent. Throws CodecError when it has another type.
  std::string get_string(const std::string& key, const std::string& fallback) const;
};

/// Checks the spec against the table of methods and returns it with every default filled in, and with integers that
/// stand for real numbers made real.
/// Throws CodecError that names the method, the parameter and what is allowed.
CodecSpec normalise(const CodecSpec& spec);

/// Short text for people and tables: "group_quant(bits=2)". Parameters at their default are left out.
std::string to_string(const CodecSpec& spec);

}  // namespace cinch
