/// A suite's rows as text for people: any table fits its width.
#pragma once

#include <cstddef>
#include <string>

#include "bench/suite.h"

namespace cinch::bench {

/// Columns of the terminal that standard output is, 80 at least; 80 where it is none.
size_t screen_columns();

/// The rows as a table for people, only `columns`. Where it would be wider than `width`, long titles and texts are
/// folded over several lines; where that does not do, there are several tables below each other, and each begins with
/// the columns that tell the rows apart, or with numbers of rows where those would take up too much of it.
std::string to_table(const SuiteResult& result, size_t width = screen_columns());

}  // namespace cinch::bench
