#include "policy/origin.h"

namespace sooner {

NumericClass numeric_class(const Origin& origin) {
  if (origin.precision == "fp32") return NumericClass::kF32;
  if (origin.precision == "bf16") return NumericClass::kBF16;
  if (origin.precision != "int8" || origin.instruction_set.empty()) return NumericClass::kUnknown;
  // oneDNN's names: VNNI itself, and the sets of AVX-512 that came after it and hold it.
  for (const std::string_view has_vnni : {"vnni", "bf16", "fp16", "amx"}) {
    if (origin.instruction_set.find(has_vnni) != std::string::npos) return NumericClass::kInt8;
  }
  return NumericClass::kInt8Small;
}

std::string_view to_string(NumericClass numbers) {
  switch (numbers) {
    case NumericClass::kF32:
      return "fp32";
    case NumericClass::kBF16:
      return "bf16";
    case NumericClass::kInt8:
      return "int8 with weights of 127 levels (processors with VNNI)";
    case NumericClass::kInt8Small:
      return "int8 with weights of 63 levels (processors without VNNI)";
    case NumericClass::kUnknown:
      break;
  }
  return "unknown numbers";
}

}  // namespace sooner
