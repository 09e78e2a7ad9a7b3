"""A serving container for XGBoost models that answers like AWS's, several times as fast.

Run it with `python -m sagemaker_transform_emulator.containers.xgboost serve`; README.md beside this file
says what it promises.
"""
