#include "policy/policy_spec.h"

#include <utility>

namespace sooner {

// Here, where a spec that holds specs is complete.
bool PolicySpec::operator==(const PolicySpec& other) const {
  return name == other.name && thresholds == other.thresholds && class_thresholds == other.class_thresholds &&
         temperatures == other.temperatures && settings == other.settings && wrappers == other.wrappers &&
         parts == other.parts;
}

PolicySpec bare(PolicySpec spec) {
  spec.wrappers = {.surest_so_far = spec.wrappers.surest_so_far};
  return spec;
}

}  // namespace sooner
