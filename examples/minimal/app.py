import aws_cdk as cdk

from trainwright import TrainingImage, TrainingPlatform

app = cdk.App()
TrainingPlatform(cdk.Stack(app, "Training"), "Platform", image=TrainingImage.from_directory("training_image"))
app.synth()
