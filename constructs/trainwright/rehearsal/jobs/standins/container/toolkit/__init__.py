"""What AWS's training toolkit and the framework containers on top of it do around a user's script.

Sources: aws/sagemaker-training-toolkit 5.1.4 and the training modules of aws/sagemaker-pytorch-training-toolkit,
aws/sagemaker-tensorflow-training-toolkit, aws/sagemaker-scikit-learn-container and aws/sagemaker-xgboost-container.
Behaviour and the words of logs and failures are theirs, the code is not.
"""
