#include "curve.h"

#include "tune/operating_points.h"

namespace sooner {

std::vector<CurvePoint> measured_curve(const LogitTable& tune, const LogitTable& table, const std::string& policy) {
  return accuracy_cost_curve(table, policy == "always" ? always_points(tune) : operating_points(tune, policy));
}

}  // namespace sooner
