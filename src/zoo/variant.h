// What stands behind the ':' of a backbone's name: "mobilenetv2:w0.5:cifar".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sooner {

class Variant {
 public:
  explicit Variant(std::string_view name);

  // Before the first ':'.
  [[nodiscard]] const std::string& family() const { return family_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // Takes the word away, if it is there.
  bool take(std::string_view word);
  // The number of a word such as w0.5, if it is there. Throws kInvalidArgument unless it lies from `low` to `high`.
  std::optional<double> take_number(char letter, double low, double high);
  // Throws kInvalidArgument, saying what is, unless every word was taken.
  void expect_no_more(std::string_view known) const;

 private:
  std::string name_, family_;
  std::vector<std::string> words_;
};

}  // namespace sooner
