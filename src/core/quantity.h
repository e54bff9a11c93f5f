// What a network is asked for, a class or a number, and what its answers are worth in either case: the one place that
// tells the two apart for everybody who chooses or prints.
//
// Quality is what choices make large. Of a classification it is the accuracy, in [0, 1]; of a regression minus the mean
// absolute error, in the quantity's unit.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sooner {

// A number that is asked for.
struct Quantity {
  std::string name;  // "angle"
  std::string unit;  // "degrees"
  bool operator==(const Quantity&) const = default;
};

// Below, `quantity` is nothing where a class is asked for.

// "accuracy", "error".
std::string_view quality_word(const std::optional<Quantity>& quantity);
// "91.23 %", "4.218 degrees". digits: of a percentage; a number gets one more. NaN: "-".
std::string quality_text(const std::optional<Quantity>& quantity, double quality, int digits = 2);
// As programs read it: the accuracy, or the error, which is not negative.
double quality_number(const std::optional<Quantity>& quantity, double quality);

// Throws kInvalidArgument "[place] what needs classes, …" where a number is asked for.
void require_classes(const std::optional<Quantity>& quantity, std::string_view place, std::string_view what);

}  // namespace sooner
