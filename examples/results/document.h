/// Machine-readable results, "cinch.bench/1": what was measured, on which machine, of which commit.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace cinch::results {

/// {"schema", "suite", "commit", "machine", "rows"}.
nlohmann::json make_document(const std::string& suite, const nlohmann::json& rows);

/// Processor, cores, memory, threads of torch, versions of torch, cinch and the compiler.
nlohmann::json machine();

/// Throws cinch::Error when `target` ("-": standard output, otherwise a path) cannot be written. Leaves nothing behind.
/// To be called before the work, so that hours are not lost to a mistyped path.
void check_target(const std::string& target);

/// Writes the document; a file is replaced atomically. Throws cinch::Error.
void write_document(const nlohmann::json& document, const std::string& target);

}  // namespace cinch::results
