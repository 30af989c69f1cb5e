#include "notifiers/address.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gtest/gtest.h"

namespace lapse::notifiers {
namespace {

TEST(ParseAddressTest, ReadsAddressAndDisplayName) {
  const struct {
    std::string text;
    std::string name;
    std::string addr_spec;
    std::string formatted;
  } kCases[] = {
      {"ops@example.com", "", "ops@example.com", "ops@example.com"},
      {"<ops@example.com>", "", "ops@example.com", "ops@example.com"},
      {"a.b+lapse@sub.example.com", "", "a.b+lapse@sub.example.com", "a.b+lapse@sub.example.com"},
      {"root@localhost", "", "root@localhost", "root@localhost"},
      {"x@[127.0.0.1]", "", "x@[127.0.0.1]", "x@[127.0.0.1]"},
      {"Ops team <ops@example.com>", "Ops team", "ops@example.com", "Ops team <ops@example.com>"},
      {"\"Ops, Berlin\" <ops@example.com>", "Ops, Berlin", "ops@example.com",
       "\"Ops, Berlin\" <ops@example.com>"},
      {"\"a \\\"b\\\" c\" <o@x.y>", "a \"b\" c", "o@x.y", "\"a \\\"b\\\" c\" <o@x.y>"},
      {"J\xC3\xBCrgen <j@example.com>", "J\xC3\xBCrgen", "j@example.com",
       "=?UTF-8?Q?J=C3=BCrgen?=\r\n <j@example.com>"},
      {"=?x <o@x.y>", "=?x", "o@x.y", "=?UTF-8?Q?=3D=3Fx?=\r\n <o@x.y>"},
  };
  for (const auto& c : kCases) {
    const auto address = ParseAddress(c.text, "f");
    ASSERT_TRUE(address.ok()) << c.text << ": " << address.status();
    EXPECT_EQ(address->display_name, c.name);
    EXPECT_EQ(address->addr_spec, c.addr_spec);
    EXPECT_EQ(FormatAddress(*address), c.formatted);
  }
}

TEST(ParseAddressTest, RefusesAnythingElse) {
  const std::string kCases[] = {
      "",
      "ops",
      "@example.com",
      "ops@",
      "ops@-example.com",
      "ops@exa mple.com",
      "ops@example..com",
      ".ops@example.com",
      "o..ps@example.com",
      "a@x.y, b@x.y",
      "a@x.y;b@x.y",
      "a <a@x.y>, b <b@x.y>",
      "a@x.y\r\nBcc: evil@example.com",
      "a@x.y\nBcc: evil@example.com",
      "a@x.y\n",
      "Ops\r\nBcc: evil@example.com <a@x.y>",
      "\"Ops\nBcc: evil\" <a@x.y>",
      "\"open <a@x.y>",
      "\"trailing\\\" <a@x.y>",
      "\"in\"side\" <a@x.y>",
      std::string("nul\0 <a@x.y>", 12),
      "\xE2\x80\xAEturned <a@x.y>",
      "not utf8 \xFF <a@x.y>",
      "j\xC3\xBCrgen@example.com",
      "ops@b\xC3\xBCro.example",
      "\"quoted local\"@example.com",
      "ops(comment)@example.com",
      "<a@x.y> trailing",
      "a@x.y>",
      "<a@x.y",
      "a@x.y> SIZE=1 <b@x.y>",
      std::string(65, 'l') + "@example.com",
      "a@" + std::string(64, 'd') + ".com",
      std::string(129, 'n') + " <a@x.y>",
  };
  for (const std::string& text : kCases) {
    const absl::Status status = ParseAddress(text, "notifier.email.from").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(DetailsOf(status).reason, "ADDRESS_INVALID") << text;
    EXPECT_EQ(DetailsOf(status).field, "notifier.email.from") << text;
  }
}

TEST(AddressTest, DomainIsWhatFollowsTheAt) {
  EXPECT_EQ((Address{"", "a@example.com"}.Domain()), "example.com");
}

}  // namespace
}  // namespace lapse::notifiers
