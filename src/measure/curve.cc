#include "measure/curve.h"

#include "tune/choosing/operating_points.h"

namespace sooner {

std::vector<CurvePoint> measured_curve(const LogitTable& tune, const LogitTable& table, const std::string& policy) {
  if (policy == "always") return accuracy_cost_curve(table, always_points(tune));
  std::vector<OperatingPoint> points = operating_points(tune, policy);
  if (policy == "gate") {
    for (OperatingPoint& point : cost_weight_points(tune)) points.push_back(std::move(point));
  }
  return accuracy_cost_curve(table, points);
}

}  // namespace sooner
