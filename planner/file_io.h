/// Whole files in and out.
#pragma once

#include <string>

namespace cinch::planner {

/// The content of a regular file. Throws JsonError that names it: the files read here are JSON documents.
std::string read_file(const std::string& path);

/// What write_file_atomically would refuse before anything is written, for before the work. Leaves nothing behind.
/// Throws Error.
void check_file_can_be_written(const std::string& path);

/// Replaces `path` at once: readers see the old content or the new, never a part, and a failure leaves the old.
/// Follows symbolic links, keeps the permissions of the old file. Throws Error.
void write_file_atomically(const std::string& path, const std::string& content);

}  // namespace cinch::planner
