// Takes a YAML text apart into its documents.
#ifndef LAPSE_CLI_YAML_DOCUMENTS_H_
#define LAPSE_CLI_YAML_DOCUMENTS_H_

#include <string>
#include <vector>

#include "yaml-cpp/yaml.h"

namespace lapse::cli {

// As YAML::LoadAll, which some malformed texts keep busy for ever: those are refused. Throws
// YAML::Exception with the place of the mistake.
std::vector<YAML::Node> LoadDocuments(const std::string& text);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_YAML_DOCUMENTS_H_
