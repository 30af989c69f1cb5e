#include "notifiers/address.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "notifiers/mime.h"
#include "notifiers/text.h"

namespace lapse::notifiers {
namespace {

constexpr size_t kMaxLocalPartBytes = 64;
constexpr size_t kMaxDomainLabelBytes = 63;

bool IsAtext(char c) {
  return absl::ascii_isalnum(c) ||
         absl::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != absl::string_view::npos;
}

bool IsDotAtom(absl::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  if (absl::StrContains(text, "..")) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '.' || IsAtext(c); });
}

bool IsDomainLabel(absl::string_view label) {
  return !label.empty() && label.size() <= kMaxDomainLabelBytes && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '-';
         });
}

bool IsDomain(absl::string_view domain) {
  if (absl::ConsumePrefix(&domain, "[")) {
    return absl::ConsumeSuffix(&domain, "]") && !domain.empty() &&
           std::all_of(domain.begin(), domain.end(),
                       [](char c) { return absl::ascii_isalnum(c) || c == '.' || c == ':'; });
  }
  const std::vector<absl::string_view> labels = absl::StrSplit(domain, '.');
  return std::all_of(labels.begin(), labels.end(), IsDomainLabel);
}

bool IsAddrSpec(absl::string_view text) {
  const size_t at = text.rfind('@');
  if (at == absl::string_view::npos || text.size() > limits::kMaxAddressBytes) return false;
  return at <= kMaxLocalPartBytes && IsDotAtom(text.substr(0, at)) && IsDomain(text.substr(at + 1));
}

bool UnquoteName(absl::string_view quoted, std::string* name) {
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '"') return false;
    if (quoted[i] == '\\' && ++i == quoted.size()) return false;
    name->push_back(quoted[i]);
  }
  return true;
}

// The name within quotes, unescaped, or as it stands where it needs none. False where it is
// neither.
bool ReadDisplayName(absl::string_view text, std::string* name) {
  if (text.size() > limits::kMaxDisplayNameBytes) return false;
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    return UnquoteName(text.substr(1, text.size() - 2), name);
  }
  *name = std::string(text);
  return text.find_first_of("\"<>,;:@()[]\\") == absl::string_view::npos;
}

absl::Status Invalid(absl::string_view text, absl::string_view field) {
  return InvalidField(field, "ADDRESS_INVALID",
                      absl::StrCat(field, " is ", Quoted(text),
                                   "; expected local@domain or Name <local@domain>, in one line"));
}

bool IsPlainPhrase(absl::string_view name) {
  return name.front() != ' ' && name.back() != ' ' && !absl::StrContains(name, "=?") &&
         std::all_of(name.begin(), name.end(), [](char c) { return c == ' ' || IsAtext(c); });
}

// With the space, or the fold, that parts it from the address.
std::string FormatDisplayName(absl::string_view name) {
  if (IsPlainPhrase(name)) return absl::StrCat(name, " ");
  const bool ascii = std::all_of(name.begin(), name.end(), absl::ascii_isprint);
  if (!ascii || absl::StrContains(name, "=?")) return absl::StrCat(EncodedWords(name), "\r\n ");
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "\" ";
}

}  // namespace

absl::string_view Address::Domain() const {
  return absl::string_view(addr_spec).substr(addr_spec.rfind('@') + 1);
}

absl::StatusOr<Address> ParseAddress(absl::string_view text, absl::string_view field) {
  // Escaping changes a text that has a control character, a direction mark, or bytes that are not
  // UTF-8.
  if (OneLine(text, text.size() + 3) != text) return Invalid(text, field);
  Address address;
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  if (absl::ConsumeSuffix(&rest, ">")) {
    const size_t open = rest.rfind('<');
    if (open == absl::string_view::npos) return Invalid(text, field);
    const absl::string_view name = absl::StripAsciiWhitespace(rest.substr(0, open));
    if (!ReadDisplayName(name, &address.display_name)) return Invalid(text, field);
    rest = rest.substr(open + 1);
  }
  if (!IsAddrSpec(rest)) return Invalid(text, field);
  address.addr_spec = std::string(rest);
  return address;
}

std::string FormatAddress(const Address& address) {
  if (address.display_name.empty()) return address.addr_spec;
  return absl::StrCat(FormatDisplayName(address.display_name), "<", address.addr_spec, ">");
}

}  // namespace lapse::notifiers
