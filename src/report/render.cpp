#include <array>
#include <utility>

#include "cinch/error.h"
#include "planner/file_io.h"
#include "src/report/page.h"
#include "src/report/report.h"

namespace cinch::report {
namespace {

// A JSON document inside a script element: what could end the element, or begin a comment in it, is written otherwise.
std::string script_text(const nlohmann::ordered_json& document) {
  const std::string json = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string text;
  for (const char letter : json) switch (letter) {
      case '<':
        text += "\\u003c";
        break;
      case '>':
        text += "\\u003e";
        break;
      case '&':
        text += "\\u0026";
        break;
      default:
        text += letter;
    }
  return text;
}

std::string html_text(const std::string& text) {
  std::string out;
  for (const char letter : text) switch (letter) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += letter;
    }
  return out;
}

}  // namespace

void require_page() { page(); }

std::string render(const nlohmann::ordered_json& document) {
  const Page& parts = page();
  const std::string name = document.at("title"),
                    title = name.empty() ? "cinch report" : html_text(name) + " - cinch report";
  const std::string data = script_text(document);
  const std::array<std::pair<std::string_view, std::string_view>, 5> places{{{"{{title}}", title},
                                                                             {"{{style}}", parts.style},
                                                                             {"{{library}}", parts.library},
                                                                             {"{{document}}", data},
                                                                             {"{{script}}", parts.script}}};
  // In order and once each, so that nothing that was filled in is taken for a place.
  std::string text;
  std::string_view rest = parts.html;
  for (const auto& [mark, content] : places) {
    const size_t at = rest.find(mark);
    if (at == std::string_view::npos) throw Error("the page of the report has no place " + std::string(mark));
    text.append(rest.substr(0, at)).append(content);
    rest.remove_prefix(at + mark.size());
  }
  return text.append(rest);
}

void write(const Input& input, const std::string& path) {
  planner::write_file_atomically(path, render(make_document(input)));
}

}  // namespace cinch::report
