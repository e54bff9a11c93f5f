// What the classes of the known sets are called.
#pragma once

#include <string>
#include <vector>

namespace sooner {

std::vector<std::string> digit_names();          // "0" … "9"
std::vector<std::string> fashion_mnist_names();  // "t-shirt" …
std::vector<std::string> cifar10_names();        // "airplane" …
std::vector<std::string> cifar100_names();       // the fine ones, "apple" …

}  // namespace sooner
