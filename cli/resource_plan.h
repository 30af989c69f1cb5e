// What must be done so that the server has the given resources.
#ifndef LAPSE_CLI_RESOURCE_PLAN_H_
#define LAPSE_CLI_RESOURCE_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/resource_file.h"

namespace lapse::cli {

class Context;

struct Outcome {
  // `monitors/order-delivered`.
  std::string name;
  // `created`, `updated`, `unchanged`; of a preview `would be created`, `would be updated if it
  // differs`.
  std::string result;
};

// Each step is one call; an error names the resource's place in its file.
class ResourcePlan {
 public:
  // Reads what the server has and checks what only it can: filters, the notifiers that monitors
  // name, etags that the files give. Changes nothing. `resources` outlives the plan.
  static absl::StatusOr<ResourcePlan> Make(Context& context,
                                           const std::vector<Resource>& resources);

  std::vector<Outcome> Preview() const;

  // Notifiers first, since monitors name them. A field that a document leaves out gets its default,
  // but `disabled` stays as it is. Stops at the first error; `outcomes` has what was done until
  // then.
  absl::Status Carry(Context& context, std::vector<Outcome>* outcomes) const;

 private:
  struct Step {
    const Resource* resource = nullptr;
    // The etag of what the server has; unset where it has none.
    std::optional<std::string> etag;
  };

  std::vector<Step> steps_;
};

}  // namespace lapse::cli

#endif  // LAPSE_CLI_RESOURCE_PLAN_H_
