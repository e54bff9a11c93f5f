#include "cli/data_flags.h"

namespace sooner {

void add_data_options(CLI::App& app, DataChoice* choice) {
  app.add_option("--data", choice->name, "data set; default: the one the model was trained on");
  app.add_option("--data-dir", choice->data_dir, "folder with the data sets; default: $SOONER_DATA");
  app.add_flag("--other-data", choice->other_data,
               "allow another data set than the model's (same image shape and number of classes)");
}

}  // namespace sooner
