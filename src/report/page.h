// The parts of the page, compiled in (embed.cmake): a program needs no file beside it.
#pragma once

#include <string_view>

namespace cinch::report {

struct Page {
  std::string_view html;  // with {{title}}, {{style}}, {{library}}, {{document}} and {{script}} for the other parts
  std::string_view style;
  std::string_view library;  // the plotting library, its licence on top
  std::string_view script;
};

// Throws Error in a build without the plotting library.
const Page& page();

}  // namespace cinch::report
