#include <gtest/gtest.h>

#include <regex>

#include "cinch/error.h"
#include "cinch/planner.h"
#include "src/report/page.h"
#include "src/report/report.h"
#include "tests/planner/random_profile.h"

namespace cinch::report {
namespace {

class ReportPage : public testing::Test {
 protected:
  void SetUp() override {
    try {
      require_page();
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

size_t times(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// What the page's own script reads.
std::string data(const std::string& html) {
  const std::string begin = "<script type=\"application/json\" id=\"report-data\">";
  const size_t at = html.find(begin) + begin.size();
  return html.substr(at, html.find("</script>", at) - at);
}

Input input_with(const std::string& name) {
  Profile profile = planner::testing::random_profile(1, {.payloads = 5});
  profile.sites[0].layer = name;
  profile.sites[1].name = name + "/relu#0:result";
  return {name, profile, make_plan(profile, Budget::exact()), {}};
}

TEST_F(ReportPage, HoldsTheDocumentAndTheLibraryWithItsLicence) {
  const auto document = make_document(input_with("layer"));
  const std::string html = render(document);
  EXPECT_EQ(nlohmann::ordered_json::parse(data(html)), document);
  EXPECT_EQ(times(html, std::string(page().library)), 1u);
  EXPECT_NE(page().library.substr(0, 300).find("MIT License"), std::string_view::npos);
  EXPECT_EQ(times(html, std::string(page().script)), 1u);
  EXPECT_EQ(times(html, "{{"), times(std::string(page().library) + std::string(page().script), "{{"));
}

TEST_F(ReportPage, FetchesNothing) {
  const std::string html = render(make_document(input_with("layer")));
  const std::string head = html.substr(0, html.find("<script>"));
  EXPECT_NE(head.find("default-src 'none'"), std::string::npos);
  const std::regex fetched(R"((src|href|action)\s*=\s*["']?\s*(https?:|//|[a-z]+\.))");
  EXPECT_FALSE(std::regex_search(std::string(page().html) + std::string(page().style), fetched));
  EXPECT_EQ(page().style.find("url("), std::string_view::npos);
  EXPECT_EQ(page().style.find("@import"), std::string_view::npos);
}

TEST_F(ReportPage, NamesStayText) {
  const std::string names[] = {"</script><script>alert(1)</script>",
                               "<!--<script>",
                               "a&amp;b",
                               "\"'`${1}\\u003c",
                               "{{script}}{{document}}",
                               "\xe2\x80\xa8line"};
  const std::string plain = render(make_document(input_with("layer")));
  for (const std::string& name : names) {
    const auto document = make_document(input_with(name));
    const std::string html = render(document);
    EXPECT_EQ(nlohmann::ordered_json::parse(data(html)), document) << name;
    EXPECT_EQ(times(html, "<script"), times(plain, "<script")) << name;
    EXPECT_EQ(times(html, "</script"), times(plain, "</script")) << name;
    EXPECT_EQ(times(html, "<!--"), times(plain, "<!--")) << name;
  }
}

TEST_F(ReportPage, NamesThatAreNoTextAreReplaced) {
  EXPECT_NE(render(make_document(input_with("\xff\xfe"))).find("\xef\xbf\xbd"), std::string::npos);
}

}  // namespace
}  // namespace cinch::report
