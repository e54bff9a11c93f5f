# sooner-train: the trainer, the one program that holds LibTorch.
add_executable(sooner-train sooner_train.cc)
target_link_libraries(sooner-train PRIVATE sooner_train CLI11::CLI11)
target_compile_definitions(sooner-train PRIVATE SOONER_VERSION="${PROJECT_VERSION}")
