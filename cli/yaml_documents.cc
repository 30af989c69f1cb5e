#include "cli/yaml_documents.h"

#include <algorithm>
#include <sstream>

#include "yaml-cpp/eventhandler.h"

namespace lapse::cli {
namespace {

// Looks only at where documents begin.
class DocumentCounter : public YAML::EventHandler {
 public:
  // A document takes a line at least.
  explicit DocumentCounter(const std::string& text)
      : most_(std::count(text.begin(), text.end(), '\n') + 1) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp 0.7 finds an empty document again and again where it cannot get past a token.
    if (++documents_ > most_) {
      throw YAML::ParserException(mark, "this cannot stand here; a bracket may be missing before");
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  const std::ptrdiff_t most_;
  std::ptrdiff_t documents_ = 0;
};

}  // namespace

std::vector<YAML::Node> LoadDocuments(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentCounter counter(text);
  while (parser.HandleNextDocument(counter)) {
  }
  return YAML::LoadAll(text);
}

}  // namespace lapse::cli
